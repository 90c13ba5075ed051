// What the page says: errors by their code, roles, sizes. The only file that turns a code into a
// sentence. Knows no DOM.

import { ConversationStoreError, type Message, type Role } from 'conversation-store';

export const ROLES: readonly { role: Role; name: string }[] = [
  { role: 'user', name: 'You' },
  { role: 'assistant', name: 'Assistant' },
  { role: 'system', name: 'System' },
];

export function roleName(role: Role): string {
  return ROLES.find((known) => known.role === role)?.name ?? role;
}

/** Where a message stands, if that is worth a word. Statuses may grow. */
export function statusWords({ status, error }: Pick<Message, 'status' | 'error'>): string {
  switch (status) {
    case 'streaming':
      return 'Writing…';
    case 'waiting':
      return 'Waits for you';
    case 'aborted':
      return 'Stopped';
    case 'error':
      return typeof error === 'string' ? `Failed: ${error}` : 'Failed';
    default:
      return '';
  }
}

/** The brain that answers on this page, with no network. */
export const OFFLINE = 'offline';

const UNTITLED = 'Untitled chat';

export function titleOf(conversation: { title: string }): string {
  return conversation.title.trim() || UNTITLED;
}

/** What happened, and what the reader can do about it. */
export interface Problem {
  title: string;
  text: string;
  /** Whether emptying the store is a way out that the reader may be offered. */
  startOver?: true;
}

export function codeOf(error: unknown): string {
  return error instanceof ConversationStoreError ? error.code : 'internal';
}

/** The store's own words, for whoever has to find out more. */
export function detailOf(error: unknown): string {
  return error instanceof Error ? `${codeOf(error)}: ${error.message}` : String(error);
}

/** Why the chats could not be opened. Codes may grow, so there is an answer for an unknown one. */
export function whyNotOpened(error: unknown): Problem {
  switch (codeOf(error)) {
    case 'storage-unavailable':
      return {
        title: 'Your chats cannot be kept here',
        text: 'This browser did not give the page a place to store them, or did not let it load what it needs. A private window, blocked site data, a page that is not served over HTTPS or an old browser can be the reason. Open the page in a normal window of a current browser and allow it to keep data, then try again.',
      };
    case 'quota-exceeded':
      return {
        title: 'There is no space left',
        text: 'The browser has no room for this page’s data, so the chats could not be opened. They are still there. Free some space on the device, then try again.',
      };
    case 'schema-too-new':
      return {
        title: 'These chats need a newer version of the page',
        text: 'They were written by a newer version than the one that is open here. Nothing was changed. Reload to get the newer version.',
      };
    case 'outdated':
      return {
        title: 'The page has a newer version',
        text: 'Another tab already runs it. Reload this one to go on.',
      };
    case 'corrupt':
      return {
        title: 'The stored chats are damaged',
        text: 'The data on this device cannot be read. Nothing was deleted. Try again first; if that does not help and you have a backup, you can start over with no chats and then restore it.',
        startOver: true,
      };
    case 'not-a-database':
    case 'unsupported-format':
      return {
        title: 'What is stored here is not a set of chats',
        text: 'Something else was found where the chats are kept. Nothing was changed. If you have a backup, you can start over with no chats and then restore it.',
        startOver: true,
      };
    case 'conflict':
      return {
        title: 'The chats are already open in another way',
        text: 'Another tab holds them with other settings. Close the other tabs of this page, then try again.',
      };
    case 'blocked':
      return {
        title: 'Another tab does not answer',
        text: 'A tab or window of this page has the chats open, but it hangs. Nothing is lost. Close it or reload it, then try again.',
      };
    case 'timeout':
      return {
        title: 'Opening took too long',
        text: 'The device or the network may be very busy. Nothing was lost. Try again in a moment.',
      };
    case 'crashed':
      return {
        title: 'The page stopped while opening your chats',
        text: 'The device may be short of memory. Nothing that was saved is lost. Close what you do not need, then try again.',
      };
    default:
      return {
        title: 'Your chats could not be opened',
        text: 'Something went wrong that should not have. What was saved is still on this device. Try again, or reload the page.',
      };
  }
}

/** Why one action failed, as the second half of a sentence: “Not saved: …”. */
export function because(error: unknown): string {
  switch (codeOf(error)) {
    case 'invalid-argument':
      return error instanceof Error ? sentence(error.message) : 'it was not accepted.';
    case 'not-found':
      return 'this chat is no longer there.';
    case 'conflict':
      return 'it was changed elsewhere in the meantime. Reload the page and try again.';
    case 'quota-exceeded':
      return 'there is no space left for this page. Delete chats or free space on the device.';
    case 'storage-unavailable':
      return 'the browser no longer lets this page store data.';
    case 'blocked':
      return 'another tab of this page has the chats and does not answer. Close or reload it, then try again.';
    case 'schema-too-new':
      return 'it comes from a newer version of this page. Reload to get that version.';
    case 'outdated':
      return 'another tab runs a newer version of this page. Reload this one.';
    case 'corrupt':
      return 'the data is damaged.';
    case 'not-a-database':
      return 'this file is not a database.';
    case 'unsupported-format':
      return 'this file is a database, but not one of chats.';
    case 'timeout':
      return 'it took too long. It may still have been done: look before you repeat it.';
    case 'closed':
      return 'the chats are closed here. Reload the page.';
    case 'crashed':
      return 'the part of the page that stores data stopped. Try again.';
    default:
      return 'something went wrong that should not have. Try again, or reload the page.';
  }
}

/** Why a file was not imported. */
export function whyNotImported(error: unknown): string {
  switch (codeOf(error)) {
    case 'unsupported-format':
      return 'This file is of no kind that this page knows. Nothing was changed.';
    case 'invalid-argument':
    case 'corrupt':
    case 'not-a-database':
      return 'This file is damaged or incomplete: it could not be read to its end.';
    case 'quota-exceeded':
      return 'There is no space left for the rest of the chats in this file.';
    default:
      return `It stopped: ${because(error)}`;
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** A size in words: 640 bytes, 12 KB, 3.4 MB. */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  let value = bytes;
  let unit = 'bytes';
  for (const next of ['KB', 'MB', 'GB', 'TB']) {
    if (value < 999.5) break;
    value /= 1_000;
    unit = next;
  }
  return `${value < 9.95 ? value.toFixed(1).replace('.0', '') : Math.round(value)} ${unit}`;
}
