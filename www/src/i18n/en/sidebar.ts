// The list of chats.

export const sidebar = {
  label: 'Chats',
  title: 'Chats',
  new: 'New',
  trash: 'Trash',
  storage: 'Storage',
  all: 'All',
  rename: 'Rename “{{name}}”',
  delete: 'Delete “{{name}}”',
  unreadable: 'The list could not be read: {{why}}',
  loading: 'Loading chats…',
  loadingMore: 'Loading more…',
  noneOf: 'No chats with “{{brain}}”.',
  showAll: 'Show all',
  empty: 'No chats yet',
  emptyText: 'What you write stays on this device.',
  startFirst: 'Start the first one',
} as const;
