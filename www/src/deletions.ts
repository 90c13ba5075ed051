// Deleting with an Undo that does not lie. A conversation leaves the page at once and the store
// when its toast lapses, when the page is left, or before a backup or a restore; what a closed tab
// could not finish is in the journal and is finished before the next list is shown. Where the
// journal cannot be written, deleting asks first and then happens at once.

import type { Conversation, ConversationStore } from 'conversation-store';
import { ask } from './dialog.ts';
import * as journal from './journal.ts';
import { shorten } from './text.ts';
import type { Toast, Toasts } from './toasts.ts';
import { because, titleOf } from './words.ts';

export interface DeletionEvents {
  /** It is to be shown no longer. */
  hidden: (conversation: Conversation) => void;
  /** It is there after all: undone, or it could not be deleted. */
  shown: (conversation: Conversation) => void;
  /** It is gone for good. */
  gone: (conversation: Conversation) => void;
}

export class Deletions {
  readonly #pending = new Map<number, { conversation: Conversation; toast?: Toast }>();
  readonly #running = new Set<Promise<void>>();

  constructor(
    private readonly store: ConversationStore,
    private readonly toasts: Toasts,
    private readonly events: DeletionEvents,
  ) {
    addEventListener('pagehide', () => void this.finish());
  }

  /** Whether a conversation is to be taken for deleted. */
  has(id: number): boolean {
    return this.#pending.has(id);
  }

  async delete(conversation: Conversation): Promise<void> {
    if (this.has(conversation.id)) return;
    const name = shorten(titleOf(conversation), 40);
    if (!journal.add(conversation.uid)) {
      const yes = await ask({
        title: 'Delete this chat?',
        text: `“${name}” and all its messages will be gone. This cannot be undone.`,
        yes: 'Delete',
      });
      if (!yes) return;
      this.#hide(conversation);
      await this.#carryOut(conversation.id);
      return;
    }
    this.#hide(conversation);
    const toast = this.toasts.show(`“${name}” deleted`, {
      undo: () => void this.#undo(conversation),
      onLapse: () => void this.#carryOut(conversation.id),
    });
    const entry = this.#pending.get(conversation.id);
    if (entry) entry.toast = toast;
  }

  /** Deletes now whatever was put off, and resolves when that is done. */
  async finish(): Promise<void> {
    for (const [id, { toast }] of this.#pending) {
      if (toast?.close()) void this.#carryOut(id);
    }
    await Promise.all(this.#running);
  }

  /** Deletes what an earlier visit showed as deleted. */
  async finishEarlier(): Promise<void> {
    for (const uid of journal.read()) {
      try {
        await this.store.deleteConversation(uid);
      } catch (error) {
        this.toasts.show(`A chat that you deleted is still there: ${because(error)}`, {
          kind: 'error',
        });
      }
      journal.remove(uid);
    }
  }

  #hide(conversation: Conversation): void {
    this.#pending.set(conversation.id, { conversation });
    this.events.hidden(conversation);
  }

  async #undo(conversation: Conversation): Promise<void> {
    journal.remove(conversation.uid);
    this.#pending.delete(conversation.id);
    // Another tab may have opened meanwhile and finished what was in the journal.
    const there = await this.store.getConversation(conversation.id).catch(() => conversation);
    if (there) {
      this.events.shown(there);
    } else {
      this.toasts.show('Too late to undo: the chat is already gone.', { kind: 'error' });
      this.events.gone(conversation);
    }
  }

  #carryOut(id: number): Promise<void> {
    const run = this.#deleteNow(id).finally(() => this.#running.delete(run));
    this.#running.add(run);
    return run;
  }

  async #deleteNow(id: number): Promise<void> {
    const entry = this.#pending.get(id);
    if (!entry) return;
    const { conversation } = entry;
    try {
      await this.store.deleteConversation(id);
      this.#pending.delete(id);
      this.events.gone(conversation);
    } catch (error) {
      this.#pending.delete(id);
      this.events.shown(conversation);
      const name = shorten(titleOf(conversation), 40);
      this.toasts.show(`“${name}” is still there: ${because(error)}`, { kind: 'error' });
    }
    journal.remove(conversation.uid);
  }
}
