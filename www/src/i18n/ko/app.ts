// The frame around everything.

import type { app as english } from '../en/app.ts';
import type { Translated } from '../types.ts';

export const app = {
  name: '대화',
  skip: '대화로 건너뛰기',
  notifications: '알림',
  outdated:
    '다른 탭에 더 새로운 버전이 열려 있습니다. 계속하려면 새로고침하세요. 쓰던 글은 남습니다.',
  didNotWork: '작업을 하지 못했습니다',
  updateReady: '이 페이지의 새 버전이 준비되었습니다.',
  updateUse: '지금 쓰기',
} as const satisfies Translated<typeof english>;
