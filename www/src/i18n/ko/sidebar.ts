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
  unreadable: '목록을 읽지 못했습니다. {{why}}',
  loading: '대화를 불러오는 중…',
  loadingMore: '더 불러오는 중…',
  noneOf: '“{{brain}}” 브레인의 대화가 없습니다.',
  showAll: '모두 보기',
  empty: '아직 대화가 없습니다',
  emptyText: '쓰신 글은 이 기기에만 남습니다.',
  startFirst: '첫 대화 시작하기',
  rename: '이름 바꾸기',
  delete: '삭제',
  pin: '고정',
  unpin: '고정 해제',
  archive: '보관',
  unarchive: '보관 해제',
  actions: '“{{name}}” 작업',
  pinned: '고정됨',
  showArchived: '보관함',
  archived: '“{{name}}” 대화를 보관했습니다',
  unarchived: '“{{name}}” 대화가 목록에 돌아왔습니다',
  emptyArchive: '보관한 대화가 없습니다',
  language: '언어: {{name}}',
} as const satisfies Translated<typeof english>;
