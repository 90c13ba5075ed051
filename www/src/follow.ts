// Keeps the page in step with what other tabs do: what their changes touch is read again, a batch at a
// time, and so is never older than the change.

import type { ChangeDetail, Conversation, ConversationStore } from 'conversation-store';

export interface FollowActions {
  /** A conversation is new or another than it was. */
  changed: (conversation: Conversation) => void;
  gone: (uid: string) => void;
  /** Messages of a conversation have been added; `anew` if other things happened to them. */
  messages: (conversationId: number, anew: boolean) => Promise<void>;
  /** Anything may have changed. */
  anew: () => Promise<void>;
}

// More than so many conversations at once are not read one by one.
const MANY = 50;

export class Follow {
  #anew = false;
  // Those that were touched, id and uid.
  #conversations = new Map<number, string>();
  #messages = new Map<number, { anew: boolean }>();
  #busy = false;

  constructor(
    private readonly store: ConversationStore,
    private readonly actions: FollowActions,
  ) {
    store.addEventListener('change', ({ detail }) => {
      this.#note(detail);
      void this.#catchUp();
    });
  }

  #note({ reset, changes }: ChangeDetail): void {
    if (reset) this.#anew = true;
    for (const { kind, op, conversationId, conversationUid, local } of changes) {
      // What was done here is shown already.
      if (local || !['insert', 'update', 'delete'].includes(op)) continue;
      if (kind === 'message') {
        const { anew = false } = this.#messages.get(conversationId) ?? {};
        this.#messages.set(conversationId, { anew: anew || op !== 'insert' });
      } else if (kind === 'conversation') {
        this.#conversations.set(conversationId, conversationUid);
      }
    }
    if (this.#conversations.size > MANY) this.#anew = true;
  }

  async #catchUp(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#anew || this.#conversations.size + this.#messages.size > 0) {
        await this.#apply();
      }
    } catch {
      // Whatever was not read is read with the next change.
      this.#anew = true;
    }
    this.#busy = false;
  }

  async #apply(): Promise<void> {
    const [anew, conversations, messages] = [this.#anew, this.#conversations, this.#messages];
    this.#anew = false;
    this.#conversations = new Map();
    this.#messages = new Map();
    if (anew) return this.actions.anew();
    const work = [...conversations].map(async ([id, uid]) => {
      const conversation = await this.store.getConversation(id);
      if (conversation) this.actions.changed(conversation);
      else this.actions.gone(uid);
    });
    for (const [id, { anew }] of messages) work.push(this.actions.messages(id, anew));
    await Promise.all(work);
  }
}
