// Who answers, and how a model is connected.

import type { brains as english } from '../en/brains.ts';
import type { Translated } from '../types.ts';

export const brains = {
  connect: '모델 연결',
  connectText:
    'OpenAI 방식으로 대화하는 곳이면 어디든 됩니다. 이 브라우저에서 바로 물어보며, 다른 누구도 거치지 않습니다.',
  where: '모델이 있는 곳',
  otherEndpoint: '그 밖',
  url: '주소',
  urlNote: '“/chat/completions” 앞까지 적습니다.',
  key: '키',
  keyNote: '이 브라우저에만 두고, 이 주소에만 보냅니다. 따로 정하지 않으면 탭을 닫을 때 지웁니다.',
  keepKey: '탭을 닫은 뒤에도 이 브라우저에 키를 남기기',
  model: '모델',
  modelNote: '시험이 끝나면 그곳의 모델을 고를 수 있습니다.',
  name: '이름',
  nameNote: '대화에서 브레인으로 부르는 이름입니다.',
  saveAndTest: '저장하고 시험하기',
  badUrl: '웹 주소가 아닙니다. https://host/v1 같은 모양이어야 합니다.',
  nameTaken: '“{{name}}”은(는) 이미 있는 이름입니다. 다른 이름을 골라 주세요.',
  notSaved: '브라우저가 저장하지 못했습니다: {{why}}',
  testing: '{{host}}에 묻는 중…',
  works_other: '{{host}}이(가) 답합니다. 모델이 {{count}}개 있습니다.',
  noSuchModel: '“{{model}}”은(는) 그 가운데 없습니다.',
  goesTo: '이 모델과의 대화에 쓴 글은 {{host}}(으)로 갑니다.',
  goesNowhere: '이 기기에 있는 모델이라, 쓴 글이 기기를 떠나지 않습니다.',
  savedButFailed: '저장했지만 답이 없습니다: {{why}}',
  change: '“{{name}}” 바꾸기',
  remove: '지우기',
  removeNamed: '“{{name}}” 지우기',
  removeTitle: '“{{name}}”을(를) 지울까요?',
  removeText:
    '주소 {{host}}와(과) 키를 잊습니다. 이 모델과 나눈 대화는 남고, 누가 답할지 고르기 전에는 아무도 답하지 않습니다.',
  here: '이 페이지',
  models: '모델',
  connectMore: '모델 연결…',
  nobody: '다른 이름: 아무도 답하지 않음',
  otherName: '다른 이름…',
  answeredBy: '답하는 이',
  whereHere: '이 페이지에서 답합니다. 쓴 글은 기기를 떠나지 않습니다.',
  whereNobody: '여기에는 “{{name}}”(으)로 답하는 이가 없습니다. 위에서 누가 답할지 골라 주세요.',
  whereLocal: '이 기기의 {{host}}(으)로 갑니다.',
  whereLocalModel: '이 기기의 {{host}}(으)로 갑니다: {{model}}.',
  whereTo: '여기 쓴 글은 {{host}}(으)로 갑니다.',
  whereToModel: '여기 쓴 글은 {{host}}(으)로 갑니다: {{model}}.',
  whereNoKey: '{{host}}에는 키가 필요한데 이 탭에는 없습니다. “모델 연결”에서 넣어 주세요.',
  askedAt: '물어본 곳: {{url}}',
  explainNoKey: '이 탭에 키가 없어 키 없이 물었습니다. “모델 연결”에서 넣어 주세요.',
  explainKey:
    '{{host}}이(가) 키를 받아들이지 않았거나 이 페이지의 요청을 막았습니다. “모델 연결”에서 키를 확인해 주세요.',
  explain401: '{{host}}이(가) 키를 받아들이지 않았습니다. “모델 연결”에서 확인해 주세요.',
  explain404:
    '{{host}}의 그 주소에는 아무것도 없습니다. 주소나 모델 이름이 잘못되었을 수 있습니다.',
  explain429: '{{host}}이(가) 잠시 기다리라고 하거나, 계정의 잔액이 없습니다.',
  explainMixed:
    '이 페이지는 https로 열렸고, 브라우저는 http 요청을 이 기기에만 허용합니다. {{host}}에 https를 쓰거나 이 페이지를 localhost에서 여세요.',
  explainNetwork:
    '브라우저는 이유를 알려 주지 않습니다. 대개 {{host}}이(가) 없거나(켜지 않음, 네트워크 없음, 주소 오타), 이 페이지의 요청을 허용하지 않은 것(CORS)입니다.',
  explainOllama:
    'Ollama는 허용한 페이지에만 답합니다. OLLAMA_ORIGINS={{origin}} ollama serve 로 시작하세요.',
  explainLmStudio: 'LM Studio: Developer 탭에서 서버를 켜고 “Enable CORS”를 켜세요.',
  explainLocal: '이 기기의 서버는 CORS 설정에서 {{origin}} 을(를) 허용해야 합니다.',
  explainCors:
    '페이지의 요청을 받을지는 그쪽이 정합니다(CORS). OpenAI와 OpenRouter는 모든 페이지를 허용합니다.',
  moreBrains: '다른 브레인',
} as const satisfies Translated<typeof english>;
