// Which of the messages on show have siblings: other versions of the same place. Rows do not say,
// so it is asked for, but not again for what cannot have changed. Knows no DOM.

import type { Branch, ConversationStore, Message } from 'conversation-store';

/** The place of a message among its siblings, from 1. */
export interface Place {
  at: number;
  of: number;
}

export class Branches {
  readonly #places = new Map<number, Place>();

  constructor(
    private readonly store: ConversationStore,
    private readonly conversationId: number,
  ) {}

  placeOf(id: number): Place | undefined {
    return this.#places.get(id);
  }

  /** Messages may have come or gone beside those that are known. */
  forget(): void {
    this.#places.clear();
  }

  /** Finds out what is not known yet of these; `whole` is the path where all of it is at hand. */
  async look(messages: readonly Message[], whole: readonly Message[] | undefined): Promise<void> {
    const unknown = messages.filter(({ id }) => !this.#places.has(id));
    if (unknown.length === 0) return;
    const conversation = whole && (await this.store.getConversation(this.conversationId));
    if (conversation && conversation.messageCount === whole.length) {
      for (const { id } of whole) this.#places.set(id, { at: 1, of: 1 });
      return;
    }
    await Promise.all(unknown.map(({ id }) => this.#siblings(id)));
  }

  /** Shows the version before (-1) or after (1) a message. Resolves to its id. */
  async step(id: number, by: -1 | 1): Promise<number | undefined> {
    const siblings = await this.#siblings(id);
    const target = siblings[siblings.findIndex((branch) => branch.id === id) + by];
    if (!target) return undefined;
    await this.store.updateConversation(this.conversationId, { head: target.leafId });
    return target.id;
  }

  async #siblings(id: number): Promise<Branch[]> {
    const siblings = await this.store.branches(id);
    for (const [index, branch] of siblings.entries()) {
      this.#places.set(branch.id, { at: index + 1, of: siblings.length });
    }
    return siblings;
  }
}
