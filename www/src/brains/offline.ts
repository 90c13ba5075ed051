// The page's own answerer: no network, no model. Makes an answer of several paragraphs out of the
// question's own words, always the same to the same question and variant, and gives it word by word as a
// model would. Knows no store and no DOM.

type Random = () => number;
type Kind = 'greeting' | 'code' | 'compare' | 'steps' | 'other';

/** Milliseconds between two words, at least and at most. */
const PAUSE = [20, 40] as const;

/**
 * The answer to a question as it is being said.
 *
 * @param variant Answers to one question differ by it.
 */
export function answerTo(question: string, variant = 0): ReadableStream<string> {
  const random = randomFrom(`${question}\n${variant}`);
  const words = compose(question, variant, random).match(/\s*\S+/g) ?? [];
  let next = performance.now();
  let timer: ReturnType<typeof setTimeout>;
  return new ReadableStream({
    async pull(controller) {
      next += PAUSE[0] + random() * (PAUSE[1] - PAUSE[0]);
      await new Promise((resolve) => {
        timer = setTimeout(resolve, next - performance.now());
      });
      let due = words.shift() ?? '';
      // A tab that is not seen gets its timers late: what should have been said by now is.
      while (words.length > 0 && next < performance.now() - PAUSE[1]) {
        due += words.shift();
        next += PAUSE[0];
      }
      if (due !== '') controller.enqueue(due);
      if (words.length === 0) controller.close();
    },
    cancel: () => clearTimeout(timer),
  });
}

/** The whole answer. */
function compose(question: string, variant: number, random: Random): string {
  const text = question.trim().replace(/\s+/g, ' ');
  const language = /\p{Script=Hangul}/u.test(text) ? korean : english;
  const topic = text.length > 80 ? `${text.slice(0, 80).trimEnd()}…` : text.replace(/[.?!]+$/, '');
  const words = keyWords(text, language);
  const pick = (choices: readonly string[]) => choices[Math.floor(random() * choices.length)] ?? '';
  const fill = (choices: readonly string[]) => pick(choices).replaceAll('{topic}', topic);
  // The next variant always begins in another way: one sees at once that it is another.
  const first = Math.floor(randomFrom(question)() * 100) + variant;
  const turn = (choices: readonly string[]) => fill([choices[first % choices.length] ?? '']);

  const kind = kindOf(text);
  if (kind === 'greeting') return [turn(language.greeting), fill(language.offer)].join('\n\n');
  const { points } = language;
  const start = Math.floor(random() * points.length);
  const list = words.map((word, at) => `- ${word}: ${points[(start + at) % points.length]}`);
  return [
    turn(language.opening),
    fill(language[kind]),
    list.length > 0 && `${pick(language.list)}\n\n${list.join('\n')}`,
    kind === 'code' && `${pick(language.example)}\n\n${code(text)}`,
    fill(language.advice),
    fill(language.closing),
  ]
    .filter((paragraph) => paragraph !== false)
    .join('\n\n');
}

function kindOf(text: string): Kind {
  if (/^(hi|hello|hey|안녕|반가)/i.test(text) && text.length < 40) return 'greeting';
  if (
    /\b(code|function|regex|script|bug|sql|api|css|html|python|rust|type ?script|java ?script)\b/i.test(
      text,
    )
  )
    return 'code';
  if (/코드|함수|프로그램|파이썬|버그|정규식|스크립트|쿼리/.test(text)) return 'code';
  if (/\b(vs|versus|compare|difference|better|or)\b|차이|비교|보다|중에/i.test(text))
    return 'compare';
  if (/\b(how|plan|start|learn|prepare|steps?)\b|어떻게|방법|계획|준비|시작|일정/i.test(text))
    return 'steps';
  return 'other';
}

/** The words that carry the question, at most three, in their order. */
function keyWords(text: string, { common, ending, idle }: Language): string[] {
  const words = (text.match(/[\p{L}\p{N}][\p{L}\p{N}'’+#-]*/gu) ?? [])
    .map((word) => (word.length > 2 ? word.replace(ending, '') : word))
    .filter(
      (word) =>
        word.length > 1 && word.length < 30 && !common.has(word.toLowerCase()) && !idle.test(word),
    );
  // The longest say most.
  const chosen = new Set([...new Set(words)].sort((a, b) => b.length - a.length).slice(0, 3));
  return [...new Set(words)].filter((word) => chosen.has(word));
}

function code(question: string): string {
  const python = /python|파이썬/i.test(question);
  const lines = python
    ? [
        'def without_repeats(items):',
        '    seen = set()',
        '    return [x for x in items if not (x in seen or seen.add(x))]',
      ]
    : [
        'function withoutRepeats<T>(items: T[]): T[] {',
        '  const seen = new Set<T>();',
        '  return items.filter((item) => !seen.has(item) && seen.add(item));',
        '}',
      ];
  return [`\`\`\`${python ? 'py' : 'ts'}`, ...lines, '```'].join('\n');
}

interface Language {
  /** Words that say nothing of the topic. */
  common: ReadonlySet<string>;
  /** What a word ends in that is not its own. */
  ending: RegExp;
  /** Words that are no names of things. */
  idle: RegExp;
  greeting: string[];
  offer: string[];
  opening: string[];
  code: string[];
  compare: string[];
  steps: string[];
  other: string[];
  list: string[];
  points: string[];
  example: string[];
  advice: string[];
  closing: string[];
}

const english: Language = {
  common: new Set(
    'the and for are was were you your can could should would how what why when where who which does did have has with from that this into about some any please tell give make much many there their they them will want need know like best good difference between versus compare explain write code'.split(
      ' ',
    ),
  ),
  ending: /['’]s$/,
  idle: /(ing|ly)$/i,
  greeting: ['Hello! Good to hear from you.', 'Hi there! I am listening.', 'Hello, and welcome.'],
  offer: [
    'I am the answerer that comes with this page: no network, no account, and nothing you write leaves this device. Ask me anything and see how the answer streams, how it is kept, and how it is there in every tab.',
    'I work without a network, from your own words. Ask a question, stop me half way, ask again for another answer, or edit your question: every version is kept.',
  ],
  opening: [
    '“{topic}” is a good thing to ask. Here is how I would go about it.',
    'Let us take “{topic}” apart, one piece at a time.',
    'A short answer to “{topic}” first, then the reasons.',
    'There is more than one way to look at “{topic}”. This is the one I find most useful.',
  ],
  code: [
    'Begin with the smallest input that shows what you expect, and write that down as a test. Most of the work is then to make the unclear cases explicit: nothing at all, one of it, the same twice.',
    'I would keep the part that decides apart from the part that reads and writes. The first is easy to test; the second should be so thin that there is nothing left in it to get wrong.',
  ],
  compare: [
    'The two are closer than they look, so decide by what is hardest to change later, not by what is most pleasant on the first day. Write down the one thing that each does and the other cannot.',
    'Put both beside what you already have. The better one is mostly the one whose weaknesses you will not meet, rather than the one with the longer list of strengths.',
  ],
  steps: [
    'Start with a version that takes an afternoon, use it for a week, and only then decide what is missing. What you learn in that week is worth more than a longer plan.',
    'Work backwards from the day it has to be finished. Three milestones are enough: something that exists, something that works, something you would show to others.',
  ],
  other: [
    'The question has a part that can be looked up and a part that depends on you. The first is quick. The second gets easier once you say what you would do if you had to decide today.',
    'It helps to ask what would have to be true for the obvious answer to be wrong. If nothing comes to mind, the obvious answer is probably good enough.',
  ],
  list: ['What to look at:', 'The pieces, as I read your question:', 'In a little more detail:'],
  points: [
    'say in one sentence what it means here, before anything else.',
    'this is where most of the time goes, so begin here.',
    'easy to change later; do not spend long on it.',
    'ask somebody who has done it once what surprised them.',
    'look for one example that works and change one thing at a time.',
  ],
  example: ['For example:', 'A small sketch to start from:', 'Something like this:'],
  advice: [
    'Whatever you choose, write down why. In three months the reason is the first thing that is forgotten and the first thing that somebody asks for.',
    'Do not try to settle everything at once. Take the part you are least sure of, try it in the cheapest way there is, and come back to the rest.',
    'One caution: I answer from your words alone, with no network and no knowledge of the world. Check what matters before you rely on it.',
  ],
  closing: [
    'Which of these would you like to go into?',
    'Tell me a little more about your case and I will be more exact.',
    'Shall I look at one of the points more closely?',
  ],
};

const korean: Language = {
  common: new Set(
    '어떻게 무엇을 무엇 뭐가 뭘 왜 언제 어디 어디서 누가 좀 그리고 하지만 있는 없는 하는 해줘 알려줘 알려 주세요 싶어요 있나요 있을까요 좋을까요 하나요 인가요 까요 방법 차이 추천 설명 설명해 설명해줘 대해 대해서 동안 같은 가장 정말'.split(
      ' ',
    ),
  ),
  ending: /(에서는|에서|으로|에게|까지|부터|하고|이랑|은|는|이|가|을|를|에|의|로|와|과|도|만)$/,
  idle: /[가-힣](면|어|아|해|서|고|줘|요|까|지|게|나)$/,
  greeting: ['안녕하세요! 반갑습니다.', '안녕하세요, 무엇이든 물어보세요.'],
  offer: [
    '저는 이 페이지에 들어 있는 답변기예요. 네트워크도 계정도 쓰지 않고, 쓰신 글은 이 기기를 떠나지 않습니다. 질문을 하나 해 보시면 답이 흘러나오고 저장되고 다른 탭에도 그대로 보이는 것을 확인하실 수 있어요.',
    '네트워크 없이 질문에 담긴 말만으로 답합니다. 중간에 멈추거나, 다시 답하게 하거나, 질문을 고쳐 보세요. 모든 버전이 남습니다.',
  ],
  opening: [
    '“{topic}”, 좋은 질문이에요. 저라면 이렇게 접근하겠습니다.',
    '“{topic}”에 대해 하나씩 나누어 살펴볼게요.',
    '“{topic}”에 짧게 먼저 답하고, 그 이유를 적어 보겠습니다.',
    '“{topic}”, 이 질문을 보는 방법은 여러 가지인데, 가장 쓸모 있다고 생각하는 쪽으로 말씀드릴게요.',
  ],
  code: [
    '원하는 결과가 드러나는 가장 작은 입력부터 정하고, 그것을 테스트로 적어 두세요. 남은 일은 대개 애매한 경우를 분명히 하는 것입니다. 아무것도 없을 때, 하나뿐일 때, 같은 것이 두 번 나올 때요.',
    '판단하는 부분과 읽고 쓰는 부분을 나누는 것이 좋습니다. 앞쪽은 테스트하기 쉬워지고, 뒤쪽은 틀릴 것이 없을 만큼 얇아집니다.',
  ],
  compare: [
    '둘은 보기보다 비슷하니, 첫날의 편안함보다 나중에 바꾸기 가장 어려운 것을 기준으로 고르세요. 한쪽만 할 수 있는 일을 한 가지씩 적어 보면 금방 드러납니다.',
    '지금 가지고 있는 것 옆에 둘을 나란히 놓아 보세요. 장점이 더 많은 쪽보다, 단점을 만날 일이 적은 쪽이 대개 더 낫습니다.',
  ],
  steps: [
    '반나절이면 되는 작은 것부터 시작해 일주일쯤 써 보고, 그다음에 무엇이 부족한지 정하세요. 그 일주일에 배우는 것이 긴 계획보다 값집니다.',
    '끝나야 하는 날부터 거꾸로 잡아 보세요. 중간 목표는 셋이면 충분합니다. 있기만 한 것, 돌아가는 것, 남에게 보여 줄 수 있는 것.',
  ],
  other: [
    '이 질문에는 찾아보면 되는 부분과 스스로 정해야 하는 부분이 있어요. 앞의 것은 금방입니다. 뒤의 것은 “오늘 정해야 한다면 어떻게 할까?”라고 물으면 한결 쉬워져요.',
    '당연해 보이는 답이 틀리려면 무엇이 사실이어야 하는지 생각해 보세요. 떠오르는 것이 없다면, 그 답이면 충분할 가능성이 큽니다.',
  ],
  list: [
    '살펴볼 것들입니다.',
    '질문을 나누어 보면 이렇습니다.',
    '조금 더 자세히 적으면 이렇습니다.',
  ],
  points: [
    '여기서 무슨 뜻인지 먼저 한 문장으로 적어 보세요.',
    '시간이 가장 많이 드는 곳이니 여기부터 시작하세요.',
    '나중에 바꾸기 쉬우니 오래 고민하지 않아도 됩니다.',
    '먼저 해 본 사람에게 무엇이 뜻밖이었는지 물어보세요.',
    '잘 되는 예를 하나 찾아서 한 번에 한 가지씩 바꿔 보세요.',
  ],
  example: ['예를 들면 이렇습니다.', '이런 모양에서 시작해 보세요.'],
  advice: [
    '무엇을 고르든 이유를 적어 두세요. 석 달 뒤에 가장 먼저 잊히고, 가장 먼저 궁금해지는 것이 바로 그 이유입니다.',
    '모든 것을 한꺼번에 정하려 하지 마세요. 가장 자신 없는 부분을 가장 값싼 방법으로 해 보고, 나머지로 돌아오면 됩니다.',
    '한 가지 덧붙이면, 저는 네트워크 없이 질문에 담긴 말만 보고 답합니다. 중요한 것은 꼭 확인해 보세요.',
  ],
  closing: [
    '이 가운데 어느 것을 더 이야기해 볼까요?',
    '상황을 조금 더 알려 주시면 더 구체적으로 답할게요.',
    '한 가지를 골라 자세히 살펴볼까요?',
  ],
};

/** Numbers from 0 to 1, the same ones for the same text (FNV-1a seeds mulberry32). */
function randomFrom(text: string): Random {
  let state = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
