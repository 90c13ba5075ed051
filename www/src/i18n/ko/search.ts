// The search box and what it finds.

import type { search as english } from '../en/search.ts';
import type { Translated } from '../types.ts';

export const search = {
  placeholder: '검색',
  label: '모든 대화에서 검색',
  clear: '검색어 지우기',
  found: '찾은 것',
  failed: '검색하지 못했습니다. {{why}}',
  nothing: '“{{query}}”에 맞는 것이 없습니다.',
  nothingSince: '“{{period}}” 안에는 “{{query}}”에 맞는 것이 없습니다.',
  moreThan_other: '대화 {{count}}개 넘게 찾았습니다',
  in_other: '대화 {{count}}개에서 찾았습니다',
  hits_other: '{{count}}곳',
  since: '기간',
  anyTime: '전체 기간',
  day: '최근 하루',
  week: '최근 일주일',
  month: '최근 한 달',
  year: '최근 일 년',
} as const satisfies Translated<typeof english>;
