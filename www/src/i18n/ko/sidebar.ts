// The list of chats.

import type { sidebar as english } from '../en/sidebar.ts';
import type { Translated } from '../types.ts';

export const sidebar = {
  label: '대화 목록',
  title: '대화',
  new: '새 대화',
  trash: '휴지통',
  storage: '저장소',
  all: '전체',
  rename: '“{{name}}” 이름 바꾸기',
  delete: '“{{name}}” 삭제',
  unreadable: '목록을 읽지 못했습니다. {{why}}',
  loading: '대화를 불러오는 중…',
  loadingMore: '더 불러오는 중…',
  noneOf: '“{{brain}}” 브레인의 대화가 없습니다.',
  showAll: '모두 보기',
  empty: '아직 대화가 없습니다',
  emptyText: '쓰신 글은 이 기기에만 남습니다.',
  startFirst: '첫 대화 시작하기',
} as const satisfies Translated<typeof english>;
