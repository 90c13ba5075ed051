// The trash, and what is said on the way into it.

import type { trash as english } from '../en/trash.ts';
import type { Translated } from '../types.ts';

export const trash = {
  title: '휴지통',
  more: '더 보기',
  emptyIt: '휴지통 비우기',
  restore: '복원',
  restoreNamed: '“{{name}}” 복원',
  delete: '삭제',
  deleteNamed: '“{{name}}” 완전히 삭제',
  askDelete: '이 대화를 완전히 삭제할까요?',
  askDeleteText: '“{{name}}” 대화와 그 메시지가 모두 사라집니다. 되돌릴 수 없습니다.',
  deleteForGood: '완전히 삭제',
  askEmpty: '휴지통을 비울까요?',
  askEmptyText: '휴지통의 모든 대화와 그 메시지가 사라집니다. 되돌릴 수 없습니다.',
  unreadable: '휴지통을 읽지 못했습니다. {{why}}',
  kept: '완전히 삭제하기 전까지 대화는 여기에 남습니다.',
  empty: '휴지통이 비어 있습니다',
  emptyText: '삭제한 대화는 먼저 이곳으로 옵니다.',
  moved: '“{{name}}” 대화를 휴지통으로 옮겼습니다',
  back: '대화가 돌아왔습니다.',
  notDeleted: '삭제하지 못했습니다',
  notEmptied: '휴지통을 비우지 못했습니다',
} as const satisfies Translated<typeof english>;
