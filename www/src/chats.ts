// What one can do with chats: each action on the store together with what follows from it for the
// list. Says in words when something did not work. Knows no element of the page.

import type { AddedMessage, Conversation, ConversationStore } from 'conversation-store';
import type { ChatList } from './chat-list.ts';
import type { Draft } from './drafts.ts';
import type { Toasts } from './toasts.ts';

export class Chats {
  constructor(
    readonly store: ConversationStore,
    private readonly list: ChatList,
    private readonly toasts: Toasts,
    private readonly onChange: (conversation: Conversation) => void,
  ) {}

  get brains(): string[] {
    return [...this.list.brains];
  }

  /** The brain a new chat is likely meant for. */
  get likelyBrain(): string {
    return this.list.brain ?? 'claude';
  }

  find(id: number): Promise<Conversation | undefined> {
    return this.store.getConversation(id);
  }

  async create(title: string, brain: string): Promise<Conversation> {
    const id = await this.store.createConversation(title, brain);
    const conversation = await this.store.getConversation(id);
    if (!conversation) throw new Error('a chat was gone right after it was made');
    this.list.put(conversation);
    // A filter that hides what was just made would look as if it had been lost.
    if (this.list.brain !== undefined && this.list.brain !== brain)
      await this.list.filter(undefined);
    return conversation;
  }

  async say(conversation: Conversation, { role, text }: Draft): Promise<AddedMessage> {
    const added = await this.store.addMessage(conversation.id, role, text);
    // The message is saved. The list follows when it can, and if it cannot, that changes nothing.
    void this.#refresh(conversation.id).catch(() => undefined);
    return added;
  }

  /** False if it did not work, which has then been said. */
  async change(id: number, patch: { title?: string; brain?: string }): Promise<boolean> {
    try {
      await this.store.updateConversation(id, patch);
      await this.#refresh(id);
      return true;
    } catch (error) {
      this.toasts.fail('Not changed', error);
      return false;
    }
  }

  async #refresh(id: number): Promise<void> {
    const conversation = await this.store.getConversation(id);
    if (!conversation) return;
    this.list.put(conversation);
    this.onChange(conversation);
  }
}
