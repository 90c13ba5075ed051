// The search box and what it finds.

export const search = {
  placeholder: 'Search',
  label: 'Search all chats',
  clear: 'Empty the search box',
  found: 'What was found',
  failed: 'The search did not work: {{why}}',
  nothing: 'Nothing found for “{{query}}”.',
  nothingSince: 'Nothing found for “{{query}}” within “{{period}}”.',
  moreThan_one: 'Found in more than {{count}} chat',
  moreThan_other: 'Found in more than {{count}} chats',
  in_one: 'Found in {{count}} chat',
  in_other: 'Found in {{count}} chats',
  hits_one: '{{count}} hit',
  hits_other: '{{count}} hits',
  since: 'Since',
  anyTime: 'Any time',
  day: 'The last day',
  week: 'The last week',
  month: 'The last month',
  year: 'The last year',
} as const;
