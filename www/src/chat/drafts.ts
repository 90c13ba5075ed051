// What was written but not sent, by conversation, kept while one switches and across a reload of
// the tab. Knows no DOM and no store.

import type { Role } from 'conversation-store';
import type { Attachment } from './attachments.ts';

export interface Draft {
  text: string;
  role: Role;
  files: readonly Attachment[];
}

const KEY = 'chats:drafts';

export class Drafts {
  readonly #drafts = new Map<string, Draft>();

  constructor() {
    try {
      const stored = JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as [string, Draft][];
      for (const [key, { text, role, files }] of stored) {
        this.#drafts.set(key, { text, role, files: files ?? [] });
      }
    } catch {
      // Unreadable or not allowed: there are no drafts then.
    }
    // Not with every key: a draft may be megabytes, and writing it takes that long.
    addEventListener('pagehide', () => this.#keep());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') this.#keep();
    });
  }

  /** `key` is the conversation's uid, or 'new'. */
  get(key: string): Draft {
    return this.#drafts.get(key) ?? { text: '', role: 'user', files: [] };
  }

  set(key: string, draft: Draft): void {
    this.#drafts.set(key, draft);
  }

  /** Gives back what could not be sent, after whatever was written since. */
  giveBack(key: string, { text, role, files }: Draft): void {
    const since = this.get(key);
    const whole = since.text === '' ? text : `${since.text}\n${text}`;
    this.set(key, { text: whole, role, files: [...files, ...since.files] });
  }

  remove(key: string): void {
    this.#drafts.delete(key);
  }

  #keep(): void {
    try {
      const written = [...this.#drafts].filter(
        ([, { text, files }]) => text !== '' || files.length > 0,
      );
      sessionStorage.setItem(KEY, JSON.stringify(written));
    } catch {
      // Too long for the browser, or not allowed: they last as long as the page.
    }
  }
}
