// What several parts say: buttons, roles, times, sizes.

import type { common as english } from '../en/common.ts';
import type { Translated } from '../types.ts';

export const common = {
  cancel: '취소',
  close: '닫기',
  save: '저장',
  undo: '되돌리기',
  dismiss: '알림 닫기',
  tryAgain: '다시 시도',
  reload: '새로고침',
  reloadPage: '페이지 새로고침',
  technical: '기술 정보',
  undoByKey: '{{text}}. 되돌리려면 Control Z를 누르세요.',
  failed: '{{what}}: {{why}}',
  newChat: '새 대화',
  untitled: '제목 없는 대화',
  title: '제목',
  brain: '브레인',
  user: '나',
  assistant: '답변',
  system: '시스템',
  chats_other: '대화 {{count}}개',
  messages_other: '메시지 {{count}}개',
  now: '방금',
  today: '오늘',
  yesterday: '어제',
  inDownloads: '“{{name}}”({{size}}) 파일을 다운로드 폴더에 저장했습니다.',
} as const satisfies Translated<typeof english>;
