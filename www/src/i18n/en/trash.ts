// The trash, and what is said on the way into it.

export const trash = {
  title: 'Trash',
  more: 'Show more',
  emptyIt: 'Empty the trash',
  restore: 'Restore',
  restoreNamed: 'Restore “{{name}}”',
  delete: 'Delete',
  deleteNamed: 'Delete “{{name}}” for good',
  askDelete: 'Delete this chat for good?',
  askDeleteText: '“{{name}}” and all its messages will be gone. This cannot be undone.',
  deleteForGood: 'Delete for good',
  askEmpty: 'Empty the trash?',
  askEmptyText: 'All chats in the trash will be gone, with their messages. This cannot be undone.',
  unreadable: 'The trash could not be read: {{why}}',
  kept: 'Chats stay here until you delete them for good.',
  empty: 'The trash is empty',
  emptyText: 'Chats that you delete come here first.',
  moved: '“{{name}}” moved to the trash',
  back: 'The chat is back.',
  notDeleted: 'Not deleted',
  notEmptied: 'The trash was not emptied',
} as const;
