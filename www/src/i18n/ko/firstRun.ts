// What is shown where there are no chats yet.

import type { firstRun as english } from '../en/firstRun.ts';
import type { Translated } from '../types.ts';

export const firstRun = {
  title: '모든 대화를 한곳에, 나만 보게',
  text: '가지고 있는 대화를 가져오거나 여기서 시작하세요. 모두 이 기기에 보관되고 바로 검색할 수 있습니다.',
  import: '대화 가져오기',
  importText:
    'ChatGPT나 Claude, LibreChat, Open WebUI에서 내보낸 파일을 여기에 놓으세요. 가져오는 동안에도 검색할 수 있습니다.',
  choose: '파일 고르기…',
  how: '파일은 어디서 받나요?',
  chatgpt: 'ChatGPT: 설정, 데이터 제어, 데이터 내보내기. 메일로 zip 파일 링크가 옵니다.',
  claude: 'Claude: 설정, 개인정보, 데이터 내보내기. 메일로 zip 파일 링크가 옵니다.',
  asIs: 'zip 파일을 그대로 놓으면 됩니다.',
  connect: '모델 연결하기',
  connectText:
    'OpenAI, OpenRouter, Ollama, LM Studio 또는 같은 방식의 서버. 키는 이 브라우저에만 남습니다.',
  connectButton: '연결…',
  samples: '먼저 둘러보기',
  samplesText:
    '검색, 갈래, 내보내기를 해 볼 수 있는 대화 몇 개입니다. 다른 대화처럼 지울 수 있습니다.',
  samplesButton: '예시 대화 넣기',
  samplesFailed: '예시 대화를 넣지 못했습니다',
  write: '바로 써 보기',
  restore: '백업 복원…',
  tour: '개발자라면: 모든 메서드 직접 해 보기',
} as const satisfies Translated<typeof english>;
