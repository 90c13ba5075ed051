// What one can do with chats: each action on the store, and in words when it did not work. What
// follows from it on the page comes by the watches. Knows no element of the page.

import type {
  AddedMessage,
  Conversation,
  ConversationPatch,
  ConversationStore,
  Message,
} from 'conversation-store';
import type { Answers } from './answers.ts';
import type { ChatList } from '../chat-list.ts';
import type { Draft } from './drafts.ts';
import { t } from '../i18n/index.ts';
import { shorten } from '../text.ts';
import type { Toast, Toasts } from '../toasts.ts';
import { OFFLINE, titleOf } from '../words.ts';

export class Chats {
  // The note that offers to undo the last deletion.
  #trashed: Toast | undefined;

  constructor(
    readonly store: ConversationStore,
    readonly answers: Answers,
    private readonly list: ChatList,
    private readonly toasts: Toasts,
  ) {}

  get brains(): string[] {
    return [...new Set([OFFLINE, ...this.list.brains])];
  }

  /** The brain a new chat is likely meant for. */
  get likelyBrain(): string {
    return this.list.brain ?? OFFLINE;
  }

  find(id: number): Promise<Conversation | undefined> {
    return this.store.getConversation(id);
  }

  async create(title: string, brain: string): Promise<Conversation> {
    const id = await this.store.createConversation(title, brain);
    const conversation = await this.store.getConversation(id);
    if (!conversation) throw new Error('a chat was gone right after it was made');
    // A filter that hides what was just made would look as if it had been lost.
    if (this.list.brain !== undefined && this.list.brain !== brain) this.list.filter(undefined);
    return conversation;
  }

  /** Saves what was written and, where the page's own brain is asked, has it answered. */
  async say(conversation: Conversation, draft: Draft, uid?: string): Promise<AddedMessage> {
    const { role, text } = draft;
    const added = await this.store.addMessage(conversation.id, role, text, uid ? { uid } : {});
    if (role === 'user') this.#ask(conversation, added.id, text);
    return added;
  }

  /** Says something in the place of an earlier message, which stays as a branch. */
  async sayInstead(conversation: Conversation, message: Message, text: string): Promise<void> {
    const { role, parentId } = message;
    const added = await this.store.addMessage(conversation.id, role, text, { parentId });
    this.#ask(conversation, added.id, text);
  }

  /** Answers a question that has no answer, or the question of an answer once more. */
  async answer(message: Message): Promise<void> {
    const { id, conversationId, role, content, parentId } = message;
    if (role === 'user') return this.answers.write(conversationId, id, content);
    const question = parentId === null ? undefined : await this.store.getMessage(parentId);
    if (!question) return;
    const { length } = await this.store.branches(id);
    await this.answers.write(conversationId, question.id, question.content, length);
  }

  /** False if it did not work, which has then been said. */
  async change(id: number, patch: ConversationPatch): Promise<boolean> {
    try {
      await this.store.updateConversation(id, patch);
      return true;
    } catch (error) {
      this.toasts.fail(t('chat.notChanged'), error);
      return false;
    }
  }

  /** Puts a chat into the trash, with a way back. False if it did not work. */
  async trash(conversation: Conversation, restored: () => void): Promise<boolean> {
    const { id } = conversation;
    await this.answers.stop(id);
    if (!(await this.change(id, { trashed: true }))) return false;
    // One is enough: the earlier ones are in the trash.
    this.#trashed?.close();
    this.#trashed = this.toasts.show(
      t('trash.moved', { name: shorten(titleOf(conversation), 40) }),
      {
        undo: () => void this.restore(id).then((done) => done && restored()),
      },
    );
    return true;
  }

  /** Where the trash itself is on show, there is nothing more to offer. */
  hideUndo(): void {
    this.#trashed?.close();
  }

  restore(id: number): Promise<boolean> {
    return this.change(id, { trashed: false });
  }

  /** Deletes a chat that is in the trash. */
  async deleteForGood({ id }: Conversation): Promise<void> {
    try {
      await this.store.deleteConversation(id);
    } catch (error) {
      this.toasts.fail(t('trash.notDeleted'), error);
    }
  }

  async emptyTrash(): Promise<void> {
    try {
      await this.store.emptyTrash();
    } catch (error) {
      this.toasts.fail(t('trash.notEmptied'), error);
    }
  }

  #ask({ id, brain }: Conversation, parentId: number, question: string): void {
    if (brain === OFFLINE) void this.answers.write(id, parentId, question);
  }
}
