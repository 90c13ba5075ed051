// What the offline brain says, in the languages it answers in. It answers in the language of the
// question, whatever that of the page is, so these stand apart from the page's catalogs.

import type { Role } from 'conversation-store';

export interface Words {
  /** Words that say nothing of the topic. */
  common: ReadonlySet<string>;
  /** Without the end of it that is not its own. */
  bare: (word: string) => string;
  /** Words that are no names of things. */
  idle: RegExp;
  number: (value: number) => string;
  date: (iso: string) => string;
  day: (iso: string) => string;
  roles: Record<Role, string>;
  untitled: string;
  hello: string[];
  can: string;
  examples: string[];
  latest: string;
  private: string;
  counted: string[];
  total: (chats: number, messages: number) => string;
  columns: [string, string, string];
  inWeek: (chats: number) => string;
  oldest: (date: string, chat: string) => string;
  longest: (messages: number, chat: string) => string;
  inTrash: (chats: number) => string;
  times: { today: string; yesterday: string; week: string; month: string };
  lately: string[];
  during: (name: string, chats: number) => string;
  nothingThen: (name: string) => string;
  messages: (count: number) => string;
  andMore: string;
  askOn: string;
  nothing: string[];
  lookedFor: (terms: string) => string;
  found: string[];
  inChats: (chats: number, terms: string) => string;
  hits: (count: number) => string;
  others: (count: number) => string;
  formatting: string;
}

const formatters = (locale: string) => {
  const number = new Intl.NumberFormat(locale);
  const date = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
  const day = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
  return {
    number: (value: number) => number.format(value),
    date: (iso: string) => date.format(new Date(iso)),
    day: (iso: string) => day.format(new Date(iso)),
  };
};

const en = formatters('en-GB');
const count = (value: number, one: string) => `${en.number(value)} ${one}${value === 1 ? '' : 's'}`;

export const english: Words = {
  ...en,
  common: new Set(
    'the and for are was were you your can could should would how what why when where who which does did have has had with from that this into about some any please tell give make much many there their they them will want need know like best good difference between versus compare explain write find show search look chat chats conversation conversations message messages talked talk said say ask asked ever me my we our its it is be do to of in on at an or not all'.split(
      ' ',
    ),
  ),
  bare: (word) => (word.length > 2 ? word.replace(/['’]s$/, '') : word),
  idle: /^\d$/,
  roles: { user: 'You', assistant: 'Assistant', system: 'System' },
  untitled: 'Untitled chat',
  hello: [
    'Hello! I am the answerer that comes with this page.',
    'Hi there! No model is connected here, so it is just your chats and me.',
    'Hello again! Here is what I am good for.',
  ],
  can: 'I know nothing of the world, but I have read every chat that is stored here. Ask me, for example:',
  examples: [
    '“What did I say about travel?” looks through all your chats, titles and messages.',
    '“What did we talk about last week?” lists them by day.',
    '“How many chats do I have?” counts them, by brain.',
    '“Show me formatting” shows a table, code and a formula.',
  ],
  latest: 'The latest ones:',
  private: 'None of this leaves your device. To talk with a model, choose one above the chat.',
  counted: ['Counted just now.', 'Here are the numbers.', 'Once more, from the top.'],
  total: (chats, messages) =>
    `There are **${count(chats, 'chat')}** here, with **${count(messages, 'message')}**.`,
  columns: ['Brain', 'Chats', 'Messages'],
  inWeek: (chats) => `In the last seven days something was written in ${en.number(chats)} of them.`,
  oldest: (date, chat) => `The oldest is from ${date}: ${chat}.`,
  longest: (messages, chat) => `The longest is ${chat}, with ${count(messages, 'message')}.`,
  inTrash: (chats) => `${count(chats, 'more chat')} ${chats === 1 ? 'is' : 'are'} in the trash.`,
  times: {
    today: 'today',
    yesterday: 'yesterday',
    week: 'in the last seven days',
    month: 'in the last thirty days',
  },
  lately: ['Here is what there was.', 'I looked through the days.', 'Day by day, then.'],
  during: (name, chats) => `There ${chats === 1 ? 'was' : 'were'} ${count(chats, 'chat')} ${name}:`,
  nothingThen: (name) => `Nothing was written ${name}, but for this chat.`,
  messages: (value) => count(value, 'message'),
  andMore: 'There are more than these: the list at the side goes on.',
  askOn: 'Open one by its title, or ask me for something else.',
  nothing: [
    'Nothing in your chats speaks of “{topic}”.',
    'I looked again for “{topic}” and found nothing.',
    '“{topic}” is in none of your chats.',
  ],
  lookedFor: (terms) =>
    `I looked for ${terms} in every title and message, on all branches. I am not a model: what is not stored here I do not know. You could ask:`,
  found: [
    'This is what your chats say about “{topic}”.',
    'I looked for “{topic}” once more.',
    '“{topic}”: here is what I found in your chats.',
  ],
  inChats: (chats, terms) => `${count(chats, 'chat')} with ${terms}:`,
  hits: (value) => count(value, 'hit'),
  others: (value) =>
    `${count(value, 'more chat')} ${value === 1 ? 'has' : 'have'} it too: answer again for the next ones, or search at the side.`,
  formatting: [
    'This is what an answer can be made of. **Bold**, *italic*, ~~struck~~, `code`, and [links](https://commonmark.org).',
    '| Storage | Survives a reload | Works offline |\n| :-- | :-: | :-: |\n| This page | yes | yes |\n| A tab’s memory | no | yes |',
    '```ts\nconst store = await ConversationStore.open();\nfor (const chat of await store.listConversations()) {\n  console.log(chat.title); // no SQL in sight\n}\n```',
    'A formula, $e^{i\\pi} + 1 = 0$, and one that stands by itself:',
    '$$\\sum_{k=1}^{n} k = \\frac{n(n+1)}{2}$$',
    '> A quotation.\n\n- [x] a thing that is done\n- [ ] and one that is not',
  ].join('\n\n'),
};

const ko = formatters('ko-KR');
const PARTICLE =
  /(에서는|에서|으로|에게|까지|부터|하고|이랑|은|는|이|가|을|를|에|의|로|와|과|도|만)$/;

/** Whether a Hangul syllable ends in a consonant; undefined of anything else. */
function isClosed(letter: string): boolean | undefined {
  return /[가-힣]/.test(letter) ? (letter.charCodeAt(0) - 0xac00) % 28 > 0 : undefined;
}

/** A text with the particle that its last letter wants: the first after a consonant, else the second. */
function withParticle(text: string, closed: string, open: string): string {
  const isLastClosed = isClosed(text.match(/[\p{L}\p{N}]/gu)?.at(-1) ?? '');
  if (isLastClosed === undefined) return `${text}${closed}(${open})`;
  return text + (isLastClosed ? closed : open);
}

export const korean: Words = {
  ...ko,
  common: new Set(
    '어떻게 무엇을 무엇 뭐가 뭐 뭘 뭐라고 왜 언제 어디 어디서 누가 좀 그리고 하지만 있는 없는 하는 했던 해줘 알려줘 알려 찾아줘 찾아 보여줘 주세요 싶어요 있나요 있어 있을까요 좋을까요 하나요 인가요 까요 했지 했어 했나 말했지 말했어 대화 대화에서 채팅 메시지 이야기 얘기 내가 나는 우리 우리가 방법 추천 설명 설명해 설명해줘 대해 대해서 관해 관해서 관한 대한 동안 같은 가장 정말 전에 예전에 있어 있지 있나 나 내 저 제 너 네 그 이 것 거 수 때 말 더 잘 안 못 다 또 몇 한 할 해 중 등'.split(
      ' ',
    ),
  ),
  bare: (word) => {
    if (word.length > 2) return word.replace(PARTICLE, '');
    // Of two syllables the second may well be the word's own, as in 회의 or 가을.
    const [noun = '', end] = word;
    const fits =
      end === '에' ||
      end === (isClosed(noun) ? '을' : '를') ||
      end === (isClosed(noun) ? '은' : '는');
    return fits ? noun : word;
  },
  idle: /^\d$/,
  roles: { user: '나', assistant: '어시스턴트', system: '시스템' },
  untitled: '제목 없는 대화',
  hello: [
    '안녕하세요! 이 페이지에 들어 있는 답변기입니다.',
    '안녕하세요. 연결된 모델이 없어서, 여기 저장된 대화만 보고 답합니다.',
    '다시 만나 반갑습니다. 이런 것을 할 수 있어요.',
  ],
  can: '세상일은 모르지만 여기에 저장된 대화는 모두 읽었습니다. 예를 들어 이렇게 물어보세요.',
  examples: [
    '“여행에 대해 뭐라고 했지?” 모든 대화의 제목과 메시지에서 찾습니다.',
    '“지난주에 무슨 얘기를 했지?” 날짜별로 보여 드립니다.',
    '“대화가 몇 개야?” 브레인별로 세어 드립니다.',
    '“서식을 보여 줘” 표와 코드와 수식을 보여 드립니다.',
  ],
  latest: '가장 최근 대화입니다.',
  private: '이 모든 것은 기기를 떠나지 않습니다. 모델과 이야기하려면 대화 위쪽에서 골라 주세요.',
  counted: ['방금 세어 보았습니다.', '숫자로 말씀드리면 이렇습니다.', '처음부터 다시 세었습니다.'],
  total: (chats, messages) =>
    `대화 **${ko.number(chats)}개**, 메시지 **${ko.number(messages)}개**가 있습니다.`,
  columns: ['브레인', '대화', '메시지'],
  inWeek: (chats) => `지난 7일 동안 글이 오간 대화는 ${ko.number(chats)}개입니다.`,
  oldest: (date, chat) => `가장 오래된 것은 ${date}의 ${chat}입니다.`,
  longest: (messages, chat) => `가장 긴 것은 ${chat}, 메시지 ${ko.number(messages)}개입니다.`,
  inTrash: (chats) => `휴지통에 ${ko.number(chats)}개가 더 있습니다.`,
  times: { today: '오늘', yesterday: '어제', week: '지난 7일 동안', month: '지난 30일 동안' },
  lately: ['찾아보았습니다.', '날짜를 거슬러 살펴보았습니다.', '날짜별로 말씀드릴게요.'],
  during: (name, chats) => `${name} 나눈 대화는 ${ko.number(chats)}개입니다.`,
  nothingThen: (name) => `${name} 이 대화 말고는 아무 글도 없었습니다.`,
  messages: (value) => `메시지 ${ko.number(value)}개`,
  andMore: '이보다 더 있습니다. 옆 목록에서 이어서 볼 수 있어요.',
  askOn: '제목을 누르면 열립니다. 다른 것도 물어보세요.',
  nothing: [
    '“{topic}”에 대한 대화가 없습니다.',
    '“{topic}”, 다시 찾아보았지만 없습니다.',
    '저장된 대화 어디에도 “{topic}” 이야기는 나오지 않습니다.',
  ],
  lookedFor: (terms) =>
    `모든 분기의 제목과 메시지에서 ${withParticle(terms, '을', '를')} 찾아보았습니다. 저는 모델이 아니어서 여기에 저장되지 않은 것은 모릅니다. 이렇게 물어보실 수 있어요.`,
  found: [
    '“{topic}”에 대해 저장된 대화에는 이런 내용이 있습니다.',
    '“{topic}”, 한 번 더 찾아보았습니다.',
    '저장된 대화에서 “{topic}”에 관해 찾은 결과입니다.',
  ],
  inChats: (chats, terms) =>
    `${withParticle(terms, '이', '가')} 나오는 대화 ${ko.number(chats)}개:`,
  hits: (value) => `${ko.number(value)}곳`,
  others: (value) =>
    `대화 ${ko.number(value)}개에 더 있습니다. 다시 답하게 하면 다음 것을, 옆에서 검색하면 모두를 볼 수 있어요.`,
  formatting: [
    '답은 이런 것들로 이루어질 수 있습니다. **굵게**, *기울임*, ~~취소선~~, `코드`, 그리고 [링크](https://commonmark.org).',
    '| 저장하는 곳 | 새로고침 뒤 | 오프라인 |\n| :-- | :-: | :-: |\n| 이 페이지 | 남음 | 됨 |\n| 탭의 메모리 | 사라짐 | 됨 |',
    '```ts\nconst store = await ConversationStore.open();\nfor (const chat of await store.listConversations()) {\n  console.log(chat.title); // SQL은 보이지 않습니다\n}\n```',
    '수식 $e^{i\\pi} + 1 = 0$, 그리고 따로 놓인 수식입니다.',
    '$$\\sum_{k=1}^{n} k = \\frac{n(n+1)}{2}$$',
    '> 인용문입니다.\n\n- [x] 끝난 일\n- [ ] 남은 일',
  ].join('\n\n'),
};
