// What is wrong, and what the reader can do about it.

export const problems = {
  opening: 'Opening your chats…',
  slow: 'This takes a little longer than usual.',
  startOver: 'Start over…',
  askStartOver: 'Delete what is stored and start over?',
  askStartOverText:
    'Whatever is left of the chats on this device will be gone for good, also what might still have been saved from it. You can then restore a backup.',
  yesStartOver: 'Delete and start over',
  unavailable: 'Your chats cannot be kept here',
  unavailableText:
    'This browser did not give the page a place to store them, or did not let it load what it needs. A private window, blocked site data, a page that is not served over HTTPS or an old browser can be the reason. Open the page in a normal window of a current browser and allow it to keep data, then try again.',
  full: 'There is no space left',
  fullText:
    'The browser has no room for this page’s data, so the chats could not be opened. They are still there. Free some space on the device, then try again.',
  tooNew: 'These chats need a newer version of the page',
  tooNewText:
    'They were written by a newer version than the one that is open here. Nothing was changed. Reload to get the newer version.',
  outdated: 'The page has a newer version',
  outdatedText: 'Another tab already runs it. Reload this one to go on.',
  corrupt: 'The stored chats are damaged',
  corruptText:
    'The data on this device cannot be read. Nothing was deleted. Try again first; if that does not help and you have a backup, you can start over with no chats and then restore it.',
  other: 'What is stored here is not a set of chats',
  otherText:
    'Something else was found where the chats are kept. Nothing was changed. If you have a backup, you can start over with no chats and then restore it.',
  conflict: 'The chats are already open in another way',
  conflictText:
    'Another tab holds them with other settings. Close the other tabs of this page, then try again.',
  blocked: 'Another tab does not answer',
  blockedText:
    'A tab or window of this page has the chats open, but it hangs. Nothing is lost. Close it or reload it, then try again.',
  timeout: 'Opening took too long',
  timeoutText:
    'The device or the network may be very busy. Nothing was lost. Try again in a moment.',
  crashed: 'The page stopped while opening your chats',
  crashedText:
    'The device may be short of memory. Nothing that was saved is lost. Close what you do not need, then try again.',
  unknown: 'Your chats could not be opened',
  unknownText:
    'Something went wrong that should not have. What was saved is still on this device. Try again, or reload the page.',
  notAccepted: 'it was not accepted.',
  gone: 'this chat is no longer there.',
  changedElsewhere: 'it was changed elsewhere in the meantime. Reload the page and try again.',
  noSpace: 'there is no space left for this page. Delete chats or free space on the device.',
  noStorage: 'the browser no longer lets this page store data.',
  tabHangs:
    'another tab of this page has the chats and does not answer. Close or reload it, then try again.',
  newerData: 'it comes from a newer version of this page. Reload to get that version.',
  newerTab: 'another tab runs a newer version of this page. Reload this one.',
  damaged: 'the data is damaged.',
  noDatabase: 'this file is not a database.',
  otherDatabase: 'this file is a database, but not one of chats.',
  tookLong: 'it took too long. It may still have been done: look before you repeat it.',
  closed: 'the chats are closed here. Reload the page.',
  workerStopped: 'the part of the page that stores data stopped. Try again.',
  bug: 'something went wrong that should not have. Try again, or reload the page.',
  whatToDo: 'What to do',
  salvage: 'Save what can be read',
  salvaging: 'Reading what is left…',
  salvaged: 'What could be read is here again: {{chats}}.',
  notSalvaged: 'Nothing could be saved: {{why}}',
} as const;
