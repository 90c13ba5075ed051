// What the page says: errors by their code, roles, sizes. The only file that turns a code into a
// sentence. Knows no DOM.

import { ConversationStoreError, type Message, type Role } from 'conversation-store';
import { locale, t } from './i18n/index.ts';

/** Those that a reader can write as, in the order in which they are offered. */
export const ROLES = ['user', 'assistant', 'system'] as const satisfies readonly Role[];

export function roleName(role: Role): string {
  const known = ROLES.find((each) => each === role);
  return known ? t(`common.${known}`) : role;
}

/** Where a message stands, if that is worth a word. Statuses may grow. */
export function statusWords({ status, error }: Pick<Message, 'status' | 'error'>): string {
  switch (status) {
    case 'streaming':
      return t('chat.writing');
    case 'waiting':
      return t('chat.waits');
    case 'aborted':
      return t('chat.stopped');
    case 'error':
      return typeof error === 'string' ? t('chat.failedWith', { why: error }) : t('chat.failed');
    default:
      return '';
  }
}

export function titleOf(conversation: { title: string }): string {
  return conversation.title.trim() || t('common.untitled');
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
        title: t('problems.unavailable'),
        text: t('problems.unavailableText'),
      };
    case 'quota-exceeded':
      return {
        title: t('problems.full'),
        text: t('problems.fullText'),
      };
    case 'schema-too-new':
      return {
        title: t('problems.tooNew'),
        text: t('problems.tooNewText'),
      };
    case 'outdated':
      return {
        title: t('problems.outdated'),
        text: t('problems.outdatedText'),
      };
    case 'corrupt':
      return {
        title: t('problems.corrupt'),
        text: t('problems.corruptText'),
        startOver: true,
      };
    case 'not-a-database':
    case 'unsupported-format':
      return {
        title: t('problems.other'),
        text: t('problems.otherText'),
        startOver: true,
      };
    case 'conflict':
      return {
        title: t('problems.conflict'),
        text: t('problems.conflictText'),
      };
    case 'blocked':
      return {
        title: t('problems.blocked'),
        text: t('problems.blockedText'),
      };
    case 'timeout':
      return {
        title: t('problems.timeout'),
        text: t('problems.timeoutText'),
      };
    case 'crashed':
      return {
        title: t('problems.crashed'),
        text: t('problems.crashedText'),
      };
    default:
      return {
        title: t('problems.unknown'),
        text: t('problems.unknownText'),
      };
  }
}

/** Why one action failed, as the second half of a sentence: “Not saved: …”. */
export function because(error: unknown): string {
  switch (codeOf(error)) {
    case 'invalid-argument':
      return error instanceof Error ? sentence(error.message) : t('problems.notAccepted');
    case 'not-found':
      return t('problems.gone');
    case 'conflict':
      return t('problems.changedElsewhere');
    case 'quota-exceeded':
      return t('problems.noSpace');
    case 'storage-unavailable':
      return t('problems.noStorage');
    case 'blocked':
      return t('problems.tabHangs');
    case 'schema-too-new':
      return t('problems.newerData');
    case 'outdated':
      return t('problems.newerTab');
    case 'corrupt':
      return t('problems.damaged');
    case 'not-a-database':
      return t('problems.noDatabase');
    case 'unsupported-format':
      return t('problems.otherDatabase');
    case 'timeout':
      return t('problems.tookLong');
    case 'closed':
      return t('problems.closed');
    case 'crashed':
      return t('problems.workerStopped');
    default:
      return t('problems.bug');
  }
}

/** Why a file was not imported. */
export function whyNotImported(error: unknown): string {
  switch (codeOf(error)) {
    case 'unsupported-format':
      return t('transfer.unknownKind');
    case 'invalid-argument':
    case 'corrupt':
    case 'not-a-database':
      return t('transfer.damaged');
    case 'quota-exceeded':
      return t('transfer.noSpace');
    default:
      return t('transfer.otherwise', { why: because(error) });
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** A size in the reader's words: 640 bytes, 12 KB, 3.4 MB. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 'byte';
  for (const next of ['kilobyte', 'megabyte', 'gigabyte', 'terabyte']) {
    if (value < 999.5) break;
    value /= 1_000;
    unit = next;
  }
  const small = unit === 'byte';
  return new Intl.NumberFormat(locale(), {
    style: 'unit',
    unit,
    unitDisplay: small ? 'long' : 'short',
    maximumFractionDigits: small || value >= 9.95 ? 0 : 1,
  }).format(value);
}
