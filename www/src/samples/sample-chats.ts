// What the sample chats say. Loaded when somebody asks for them.

interface SampleChat {
  uid: string;
  title: string;
  brain: string;
  /** Hours before now at which it began. */
  ago: number;
  /** In turn, a person's first. */
  said: string[];
}

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** In the plain form that the store imports. */
export function sampleChats(now: number): object[] {
  return SAMPLES.map(({ uid, title, brain, ago, said }) => {
    const began = now - ago * HOUR;
    const at = (turn: number) => new Date(began + turn * 2 * MINUTE).toISOString();
    return {
      uid,
      title,
      brain,
      createdAt: at(0),
      messages: said.map((content, turn) => ({
        uid: `${uid}-${turn}`,
        role: turn % 2 === 0 ? 'user' : 'assistant',
        content,
        createdAt: at(turn),
      })),
    };
  });
}

const SAMPLES: readonly SampleChat[] = [
  {
    uid: 'sample-busan',
    title: 'Three days in Busan',
    brain: 'gpt-4o',
    ago: 5,
    said: [
      'We have three days in Busan in April, with a seven-year-old. What would you do?',
      'April is a good choice: mild, and the cherry trees are in bloom early in the month.\n\n| Day | Morning | Afternoon | Evening |\n| :-- | :-- | :-- | :-- |\n| 1 | Gamcheon village | Jagalchi market | Songdo cable car |\n| 2 | Haeundae beach | Sea Life aquarium | Blueline train |\n| 3 | Beomeosa temple | Spa Land | Gwangalli bridge lights |\n\nWith a child I would keep the **Blueline park train** for the second day: it is slow, it runs along the sea, and nobody has to walk.',
      'And if it rains?',
      'Then swap in what has a roof:\n\n- [ ] **Sea Life aquarium** (Haeundae), two hours\n- [ ] **National Maritime Museum**, free, with things to touch\n- [ ] **Spa Land**: children are let in from 13, so not with yours\n\nThe market works in the rain as well.',
    ],
  },
  {
    uid: 'sample-debounce',
    title: 'A debounce with types',
    brain: 'claude',
    ago: 28,
    said: [
      'Write a typed debounce in TypeScript that I can cancel.',
      'Here is a small one. The timer lives in the closure, and `cancel` clears it:\n\n```ts\nexport function debounce<A extends unknown[]>(run: (...args: A) => void, wait: number) {\n  let timer: ReturnType<typeof setTimeout> | undefined;\n  const debounced = (...args: A): void => {\n    clearTimeout(timer);\n    timer = setTimeout(() => run(...args), wait);\n  };\n  debounced.cancel = () => clearTimeout(timer);\n  return debounced;\n}\n```\n\nUse it like this:\n\n```ts\nconst save = debounce((text: string) => store.save(text), 300);\nfield.addEventListener("input", () => save(field.value));\n```',
      'Why ReturnType<typeof setTimeout> and not number?',
      'Because it differs: in a browser `setTimeout` gives a `number`, in Node an object of class `Timeout`. `ReturnType<typeof setTimeout>` is right in both, and says nothing that could go out of date.',
    ],
  },
  {
    uid: 'sample-bread',
    title: '사워도우 식빵 굽기',
    brain: 'claude',
    ago: 31,
    said: [
      '사워도우 식빵을 처음 구워 보려고 해. 밀가루 500g이면 물과 소금은 얼마나 넣어야 해?',
      '밀가루 500 g을 기준으로 하면 이렇습니다.\n\n| 재료 | 비율 | 무게 |\n| :-- | --: | --: |\n| 강력분 | 100% | 500 g |\n| 물 | 70% | 350 g |\n| 소금 | 2% | 10 g |\n| 르뱅 | 20% | 100 g |\n\n처음이라면 물을 **65%(325 g)** 로 줄여 보세요. 반죽이 손에 덜 붙어서 모양을 잡기가 훨씬 쉽습니다.',
      '1차 발효는 언제 끝내야 해?',
      '시간보다 **부피**를 보세요. 반죽이 1.5배에서 1.7배가 되고 가장자리에 기포가 보이면 끝낼 때입니다. 24 ℃에서는 대개 4~5시간이 걸립니다.',
    ],
  },
  {
    uid: 'sample-normal',
    title: 'The normal distribution, briefly',
    brain: 'gpt-4o',
    ago: 75,
    said: [
      'Where does the square root of 2π in the normal distribution come from?',
      'From asking that the whole area be one. Without the factor, the area under the bell is the Gaussian integral:\n\n$$\\int_{-\\infty}^{\\infty} e^{-x^2/2}\\,dx = \\sqrt{2\\pi}$$\n\nso the density has to be divided by it:\n\n$$f(x) = \\frac{1}{\\sigma\\sqrt{2\\pi}}\\, e^{-\\frac{(x-\\mu)^2}{2\\sigma^2}}$$\n\nThe integral itself is found by squaring it and going over to polar coordinates, where $r\\,dr$ makes it easy.',
    ],
  },
  {
    uid: 'sample-interview',
    title: '면접 준비: 프로젝트 설명하기',
    brain: 'gpt-4o',
    ago: 100,
    said: [
      '다음 주에 면접이 있어. 프로젝트를 2분 안에 설명하는 연습을 하고 싶은데 어떤 순서가 좋을까?',
      '네 문장이면 충분합니다.\n\n1. **문제**: 누가 무엇 때문에 불편했는지\n2. **선택**: 어떤 방법들 가운데 왜 이것을 골랐는지\n3. **어려움**: 예상과 달랐던 것 하나\n4. **결과**: 숫자로 하나\n\n> “주문 페이지가 느려서 고객의 12%가 떠났습니다.”처럼 첫 문장에 숫자가 있으면 듣는 사람이 끝까지 듣습니다.',
      '어려움은 솔직하게 말해도 될까?',
      '네, 오히려 그래야 합니다. 다만 **그래서 무엇을 했는지**로 끝내세요. 면접관이 듣고 싶은 것은 실수가 아니라 그다음 행동입니다.',
    ],
  },
  {
    uid: 'sample-opfs',
    title: 'Where does a web app keep its data?',
    brain: 'claude',
    ago: 170,
    said: [
      'localStorage, IndexedDB or OPFS: what should a chat app use?',
      'It depends on what has to survive, and on how you want to ask for it again.\n\n- **localStorage** is synchronous and small. Settings, nothing more.\n- **IndexedDB** keeps objects and blobs, but every query is code of your own.\n- **OPFS** gives files with synchronous access in a worker, which is what SQLite needs. You get transactions, full-text search and one file that you can take with you.\n\nFor thousands of chats that one wants to search, I would take SQLite on OPFS.',
      'Can the browser throw it away?',
      'Under pressure it can evict a whole origin, unless `navigator.storage.persist()` was granted. Ask for it after the first chat is saved, and keep a backup outside the browser.',
    ],
  },
  {
    uid: 'sample-novel',
    title: '여름밤에 읽을 소설 추천',
    brain: 'claude',
    ago: 340,
    said: [
      '여름밤에 읽기 좋은 한국 소설을 추천해 줘. 너무 무겁지 않은 걸로.',
      '가볍게 시작해서 오래 남는 책으로 골라 보았습니다.\n\n- **김연수, 『이토록 평범한 미래』** 짧은 이야기들이라 한 편씩 읽기 좋습니다.\n- **정세랑, 『지구에서 한아뿐』** 다정한 SF입니다.\n- **최은영, 『밝은 밤』** 조금 길지만 여름의 바닷가가 나옵니다.',
    ],
  },
];
