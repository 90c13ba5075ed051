// The pages about something that is wrong: fetched with the first of them.

export const problemPages = {
  what: 'What happened',
  chats: 'Your chats',
  do: 'What to do',
  toTrash: 'Open the trash',
  toStorage: 'Open Storage',
  fullPage: 'There is no space left',
  fullWhat: 'The browser grants this page no more space, so the last change was not saved.',
  fullChats:
    'Nothing was deleted. Everything that was saved before is still there and can be read, searched and exported.',
  fullDo:
    'Make a backup first. Then empty the trash, delete what you do not need, or free space on the device; the browser gives a page a share of what is free.',
  evictedPage: 'The chats that were here are gone',
  evictedWhat:
    'There were chats here before, and now the browser has none for this page. It clears a page’s data when the device runs low on space, or when somebody clears the data of this site.',
  evictedChats:
    'The page itself deleted nothing. What is gone is not on this device any more; a backup has it.',
  evictedDo:
    'If you have a backup, restore it. Afterwards let the browser promise to keep the chats, and pick a folder for backups: both are in Storage.',
  outdatedPage: 'The page has a newer version',
  outdatedWhat:
    'Another tab or window already runs a newer version of this page, and the two cannot use the same data at once.',
  outdatedChats:
    'Nothing was deleted, and nothing is lost. What you have not sent is kept as a draft.',
  outdatedDo: 'Reload this page: it is then the newer version too.',
  corruptPage: 'Some of what is stored is damaged',
  corruptWhat:
    'The device gave back other bytes than were written. A failing disk, a crash of the whole device or another program can be the reason.',
  corruptChats: 'Nothing was deleted. What can still be read is shown as always.',
  corruptDo:
    'Make a backup of what can be read. Then have the storage checked: if it is damaged, what is left can be saved into a new set of chats.',
} as const;
