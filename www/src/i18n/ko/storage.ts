// Where the chats are and how they are kept; backup and restore.

import type { storage as english } from '../en/storage.ts';
import type { Translated } from '../types.ts';

export const storage = {
  title: '저장소',
  memoryShort: '저장 안 됨: 탭과 함께 사라짐',
  keptShort: '이 기기에 보관됨',
  storedShort: '이 기기에 저장됨',
  keep: '지우지 않게 하기',
  backup: '백업',
  backupText:
    '백업은 모든 대화가 담긴 내 파일입니다. 이 브라우저가 없어져도 남고, 사이트 데이터를 지워도 그대로입니다.',
  downloadBackup: '백업 내려받기',
  restore: '파일에서 복원…',
  backupFile: '백업 파일',
  unreadable: '저장 상태를 읽지 못했습니다. {{why}}',
  willKeep: '직접 삭제하기 전까지 브라우저가 대화를 보관합니다.',
  notYet:
    '브라우저가 아직 허락하지 않았습니다. 북마크하거나 설치하거나 자주 쓰면 대개 허락합니다. 그때까지는 백업이 안전합니다.',
  notAsked: '브라우저에 물어보지 못했습니다. {{why}}',
  backedUp: '백업({{size}})을 다운로드 폴더에 저장했습니다.',
  notBackedUp: '백업하지 못했습니다. {{why}}',
  askReplace: '모든 대화를 바꿀까요?',
  askReplaceText:
    '이 기기의 대화가 “{{name}}”({{size}})에 든 대화로 바뀝니다. 먼저 백업하지 않으면 지금 있는 것은 사라집니다.',
  replace: '모두 바꾸기',
  restored: '“{{name}}”의 대화를 가져왔습니다',
  notRestored: '{{why}} 대화는 그대로 있습니다.',
  noDatabase: '이 파일은 대화 백업이 아닙니다. 데이터베이스가 아닙니다.',
  otherDatabase: '이 파일은 데이터베이스이지만 대화가 아닌 다른 것입니다.',
  damagedFile: '파일이 손상되어 읽을 수 없습니다.',
  newerFile: '이 페이지의 더 새로운 버전이 만든 파일입니다. 새로고침한 뒤 다시 해 보세요.',
  noSpaceForFile: '이 파일의 대화를 담을 공간이 없습니다.',
  otherwise: '파일을 복원하지 못했습니다. {{why}}',
  where: '위치',
  opfs: '이 기기에, 이 브라우저의 이 페이지만 열 수 있는 파일로 있습니다. 어디로도 보내지 않습니다.',
  indexeddb:
    '이 기기에, 이 페이지를 위한 브라우저 데이터베이스에 있습니다. 어디로도 보내지 않습니다.',
  memory: '이 탭의 메모리에만 있습니다. 탭을 닫으면 대화가 사라집니다.',
  tabs: '탭',
  leader: '이 탭이 파일을 열고, 이 페이지의 모든 탭을 위해 읽고 씁니다.',
  follower:
    '다른 탭이 파일을 열고 있고, 이 탭은 그 탭을 통해 읽고 씁니다. 그 탭이 닫히면 다른 탭이 이어받습니다.',
  outdated: '다른 탭에 더 새로운 버전이 열려 있습니다. 계속하려면 새로고침하세요.',
  whenSaved: '저장 시점',
  notWritten: '디스크에 쓰지 않습니다.',
  strict: '디스크에 쓰인 다음에야 저장된 것으로 칩니다. 충돌이나 정전에도 남습니다.',
  relaxed: '브라우저가 죽어도 남습니다. 정전이면 마지막 순간은 잃을 수 있습니다.',
  howLong: '보관 기간',
  untilDeleted: '직접 삭제할 때까지. 브라우저가 스스로 지우지 않기로 했습니다.',
  mayClear: '기기에 공간이 부족하면 브라우저가 스스로 지울 수 있습니다.',
  used: '사용량',
  unknown: '브라우저가 알려 주지 않습니다.',
  usedOf: '브라우저가 허용한 {{quota}} 중 {{used}}',
  spaceUsed: '사용한 공간',
  engine: '저장 방식',
  journal: '저널',
  durability: '내구성',
  thisTab: '이 탭',
  schema: '스키마',
} as const satisfies Translated<typeof english>;
