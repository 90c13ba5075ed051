// What was written but not sent, by conversation, kept while one switches and across a reload of
// the tab. Knows no DOM and no store.

import type { Role } from 'conversation-store';

export interface Draft {
  text: string;
  role: Role;
}

const KEY = 'chats:drafts';

export class Drafts {
  readonly #drafts = new Map<string, Draft>();

  constructor() {
    try {
      const stored = JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as [string, Draft][];
      for (const [key, draft] of stored) this.#drafts.set(key, draft);
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
    return this.#drafts.get(key) ?? { text: '', role: 'user' };
  }

  set(key: string, draft: Draft): void {
    this.#drafts.set(key, draft);
  }

  /** Gives back a text that could not be sent, after whatever was written since. */
  giveBack(key: string, { text, role }: Draft): void {
    const since = this.get(key).text;
    this.set(key, { text: since === '' ? text : `${since}\n${text}`, role });
  }

  remove(key: string): void {
    this.#drafts.delete(key);
  }

  #keep(): void {
    try {
      const written = [...this.#drafts].filter(([, draft]) => draft.text !== '');
      sessionStorage.setItem(KEY, JSON.stringify(written));
    } catch {
      // Too long for the browser, or not allowed: they last as long as the page.
    }
  }
}
