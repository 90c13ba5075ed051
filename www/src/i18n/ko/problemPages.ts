// The pages about something that is wrong: fetched with the first of them.

import type { problemPages as english } from '../en/problemPages.ts';
import type { Translated } from '../types.ts';

export const problemPages = {
  what: '무슨 일인가요',
  chats: '대화는 어떻게 되나요',
  do: '어떻게 하나요',
  toTrash: '휴지통 열기',
  toStorage: '저장소 열기',
  fullPage: '남은 공간이 없습니다',
  fullWhat: '브라우저가 이 페이지에 공간을 더 주지 않아 마지막 변경을 저장하지 못했습니다.',
  fullChats:
    '지워진 것은 없습니다. 그전에 저장된 것은 그대로 있고 읽고 검색하고 내보낼 수 있습니다.',
  fullDo:
    '먼저 백업하세요. 그런 다음 휴지통을 비우거나 필요 없는 대화를 지우거나 기기의 공간을 비우세요. 브라우저는 빈 공간의 일부를 페이지에 줍니다.',
  evictedPage: '여기 있던 대화가 없어졌습니다',
  evictedWhat:
    '전에는 대화가 있었는데 지금은 브라우저에 이 페이지의 데이터가 없습니다. 기기에 공간이 부족하거나 누군가 사이트 데이터를 지우면 브라우저가 비웁니다.',
  evictedChats: '페이지가 지운 것은 없습니다. 없어진 것은 이 기기에 더는 없고, 백업에는 있습니다.',
  evictedDo:
    '백업이 있다면 복원하세요. 그다음 브라우저가 대화를 지우지 않게 하고 백업 폴더를 고르세요. 둘 다 저장소에 있습니다.',
  outdatedPage: '페이지의 새 버전이 있습니다',
  outdatedWhat:
    '다른 탭이나 창이 이미 새 버전을 쓰고 있고, 두 버전은 같은 데이터를 함께 쓸 수 없습니다.',
  outdatedChats: '지워지거나 잃은 것은 없습니다. 보내지 않은 글은 초안으로 남습니다.',
  outdatedDo: '이 페이지를 새로고침하면 새 버전이 됩니다.',
  corruptPage: '저장된 것의 일부가 손상되었습니다',
  corruptWhat:
    '기기가 쓴 것과 다른 바이트를 돌려주었습니다. 디스크 고장이나 기기의 충돌, 다른 프로그램이 원인일 수 있습니다.',
  corruptChats: '지워진 것은 없습니다. 아직 읽을 수 있는 것은 그대로 보입니다.',
  corruptDo:
    '읽을 수 있는 것을 백업하세요. 그런 다음 저장소를 검사하세요. 손상되었다면 남은 것을 새로 담을 수 있습니다.',
} as const satisfies Translated<typeof english>;
