// Deleting with an Undo that does not lie. A conversation leaves the page at once and the store
// when its toast lapses, when the page is left, or before a backup or a restore; what a closed tab
// could not finish is in the journal and is finished by another one, or before the next list is shown.
// What another tab has put off is hidden here too; that tab decides. Where the journal cannot be
// written, deleting asks first and then happens at once.

import type { Conversation, ConversationStore } from 'conversation-store';
import { ask } from './dialog.ts';
import * as journal from './journal.ts';
import { shorten } from './text.ts';
import type { Toast, Toasts } from './toasts.ts';
import { codeOf, titleOf } from './words.ts';

export interface DeletionEvents {
  /** It is to be shown no longer. */
  hidden: (conversation: Conversation) => void;
  /** It is there after all: undone, or it could not be deleted. */
  shown: (conversation: Conversation) => void;
  /** One that another tab has put off is to be shown no longer, or again. */
  elsewhere: () => void;
  /** It is gone for good. */
  gone: (uid: string) => void;
}

export class Deletions {
  readonly #pending = new Map<string, { conversation: Conversation; toast?: Toast }>();
  // Put off by other tabs.
  readonly #elsewhere = new Set<string>();
  readonly #heirOf = new Set<string>();
  readonly #running = new Set<Promise<void>>();

  constructor(
    private readonly store: ConversationStore,
    private readonly toasts: Toasts,
    private readonly events: DeletionEvents,
  ) {
    journal.onChange((uid, tab) => {
      if (tab === null) void this.#decided(uid);
      else if (!this.has(uid)) this.#putOffBy(tab, uid);
    });
    addEventListener('pagehide', ({ persisted }) => {
      // A page that may come back cannot delete while it is away: another tab does, or it does then.
      if (!persisted) void this.finish();
      journal.leave();
    });
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) void this.finish();
    });
  }

  /** Whether a conversation is to be taken for deleted. */
  has(uid: string): boolean {
    return this.#pending.has(uid) || this.#elsewhere.has(uid);
  }

  async delete(conversation: Conversation): Promise<void> {
    const { uid } = conversation;
    if (this.has(uid)) return;
    const name = shorten(titleOf(conversation), 40);
    const putOff = await journal.add(uid);
    // Pressed twice.
    if (this.has(uid)) return;
    if (!putOff) {
      const yes = await ask({
        title: 'Delete this chat?',
        text: `“${name}” and all its messages will be gone. This cannot be undone.`,
        yes: 'Delete',
      });
      if (!yes) return;
      this.#hide(conversation);
      await this.#carryOut(uid);
      return;
    }
    this.#hide(conversation);
    const toast = this.toasts.show(`“${name}” deleted`, {
      undo: () => void this.#undo(conversation),
      onLapse: () => void this.#carryOut(uid),
    });
    const entry = this.#pending.get(uid);
    if (entry) entry.toast = toast;
  }

  /** Deletes now whatever was put off here, and resolves when that is done. */
  async finish(): Promise<void> {
    for (const [uid, { toast }] of this.#pending) {
      if (toast?.close()) void this.#carryOut(uid);
    }
    await Promise.all(this.#running);
  }

  /** Deletes now whatever was put off, here or in another tab. */
  async finishAll(): Promise<void> {
    await this.finish();
    await this.#finishFor([...this.#elsewhere]);
  }

  /** Deletes what an earlier visit showed as deleted; but what a tab can still undo is its own. */
  async finishEarlier(): Promise<void> {
    for (const { uid, tab } of journal.read()) {
      if (await journal.isThere(tab)) this.#putOffBy(tab, uid);
      else await this.#finishFor([uid]);
    }
  }

  /** Another tab has deleted it for good. */
  forget(uid: string): void {
    this.#pending.get(uid)?.toast?.close();
    this.#pending.delete(uid);
    this.#elsewhere.delete(uid);
    journal.remove(uid);
  }

  #hide(conversation: Conversation): void {
    this.#pending.set(conversation.uid, { conversation });
    this.events.hidden(conversation);
  }

  #putOffBy(tab: string, uid: string): void {
    this.#elsewhere.add(uid);
    this.events.elsewhere();
    if (this.#heirOf.has(tab)) return;
    this.#heirOf.add(tab);
    journal.inherit(tab, (uids) => this.#finishFor(uids));
  }

  /** Another tab has undone it, or deleted it: the store knows. */
  async #decided(uid: string): Promise<void> {
    if (!this.has(uid)) return;
    // If it does not answer, better shown than hidden.
    const there = await this.store.getConversation(uid).catch(() => true);
    this.forget(uid);
    if (there) this.events.elsewhere();
    else this.events.gone(uid);
  }

  async #finishFor(uids: string[]): Promise<void> {
    for (const uid of uids) {
      try {
        await this.store.deleteConversation(uid);
        this.#elsewhere.delete(uid);
        this.events.gone(uid);
      } catch (error) {
        // The newer version will.
        if (codeOf(error) === 'outdated') return;
        this.#elsewhere.delete(uid);
        this.events.elsewhere();
        this.toasts.fail('A chat that you deleted is still there', error);
      }
      journal.remove(uid);
    }
  }

  async #undo(conversation: Conversation): Promise<void> {
    journal.remove(conversation.uid);
    this.#pending.delete(conversation.uid);
    // Another tab may have deleted it meanwhile.
    const there = await this.store.getConversation(conversation.id).catch(() => conversation);
    if (there) {
      this.events.shown(there);
    } else {
      this.toasts.show('Too late to undo: the chat is already gone.', { kind: 'error' });
      this.events.gone(conversation.uid);
    }
  }

  #carryOut(uid: string): Promise<void> {
    const run = this.#deleteNow(uid).finally(() => this.#running.delete(run));
    this.#running.add(run);
    return run;
  }

  async #deleteNow(uid: string): Promise<void> {
    const entry = this.#pending.get(uid);
    if (!entry) return;
    const { conversation } = entry;
    try {
      await this.store.deleteConversation(uid);
      this.#pending.delete(uid);
      this.events.gone(uid);
    } catch (error) {
      const name = shorten(titleOf(conversation), 40);
      this.toasts.fail(`“${name}” is still there`, error);
      // It stays in the journal, for the newer version to delete.
      if (codeOf(error) === 'outdated') return;
      this.#pending.delete(uid);
      this.events.shown(conversation);
    }
    journal.remove(uid);
  }
}
