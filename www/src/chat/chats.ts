// What one can do with chats: each action on the store, and in words when it did not work. What
// follows from it on the page comes by the watches. Knows no element of the page.

import type {
  AddedMessage,
  Conversation,
  ConversationPatch,
  ConversationStore,
  Message,
  MessagePart,
} from 'conversation-store';
import type { Brains } from '../brains/brains.ts';
import { t } from '../i18n/index.ts';
import type { ChatList } from '../sidebar/chat-list.ts';
import { shorten } from '../text.ts';
import type { Toast, Toasts } from '../toasts.ts';
import { titleOf } from '../words.ts';
import type { Answers } from './answers.ts';
import { type Attachment, partOf } from './attachments.ts';
import type { Draft } from './drafts.ts';
import { type ChatSettings, changeSettings, withSettings } from './settings.ts';

export class Chats {
  // The note that offers to undo the last deletion.
  #trashed: Toast | undefined;

  constructor(
    readonly store: ConversationStore,
    readonly answers: Answers,
    readonly brains: Brains,
    private readonly list: ChatList,
    private readonly toasts: Toasts,
  ) {}

  /** The brains that chats here have. */
  get knownBrains(): readonly string[] {
    return [...this.list.brains];
  }

  /** The brain a new chat is likely meant for. */
  get likelyBrain(): string {
    return this.list.brain ?? this.brains.likely;
  }

  find(id: number): Promise<Conversation | undefined> {
    return this.store.getConversation(id);
  }

  /** @param settings With `autoTitle`, if the title is not a person's own. */
  async create(title: string, brain: string, settings: ChatSettings = {}): Promise<Conversation> {
    const has = Object.keys(settings).length > 0;
    const extra = has ? { metadata: withSettings(undefined, settings) } : {};
    const id = await this.store.createConversation(title, brain, extra);
    const conversation = await this.store.getConversation(id);
    if (!conversation) throw new Error('a chat was gone right after it was made');
    // A filter that hides what was just made would look as if it had been lost.
    if (this.list.hides(brain)) this.list.filter(undefined);
    return conversation;
  }

  /** Saves what was written and, where somebody answers to its brain, has it answered. */
  async say(conversation: Conversation, draft: Draft, uid?: string): Promise<AddedMessage> {
    const content = contentOf(draft.text, draft.files.map(partOf));
    const extra = uid ? { uid } : {};
    const added = await this.store.addMessage(conversation.id, draft.role, content, extra);
    if (draft.role === 'user') this.#ask(conversation.id, added.id);
    return added;
  }

  /** Says something in the place of an earlier message, which stays as a branch. */
  async sayInstead(conversation: Conversation, message: Message, text: string): Promise<void> {
    const { role, parentId, parts } = message;
    const content = contentOf(
      text,
      parts.filter(({ type }) => type === 'file'),
    );
    const added = await this.store.addMessage(conversation.id, role, content, { parentId });
    this.#ask(conversation.id, added.id);
  }

  /** Answers a question that has no answer, or the question of an answer once more. */
  async answer({ id, conversationId, role, parentId }: Message): Promise<void> {
    if (role === 'user') return this.answers.write(conversationId, id);
    if (parentId === null) return;
    const { length } = await this.store.branches(id);
    await this.answers.write(conversationId, parentId, { variant: length });
  }

  /** Goes on with an answer that broke off. */
  async resume(message: Message): Promise<void> {
    const { conversationId, parentId } = message;
    if (parentId === null) return;
    await this.answers.write(conversationId, parentId, { begun: message });
  }

  /** Begins another chat that is the same up to a message. Resolves to its id. */
  fork({ conversationId, id }: Message): Promise<number> {
    return this.store.fork(conversationId, id);
  }

  /** Keeps a file that is to go along with a message. Undefined if it could not be. */
  async keepFile(file: File): Promise<Attachment | undefined> {
    try {
      const { ref, size, type } = await this.store.putBlob(file);
      return { ref, size, name: file.name || t('chat.file'), type };
    } catch (error) {
      this.toasts.fail(t('chat.fileNotKept', { name: shorten(file.name, 60) }), error);
      return undefined;
    }
  }

  /** Changes what a chat has of its own. False if it did not work, which has then been said. */
  async changeSettings(id: number, settings: ChatSettings): Promise<boolean> {
    try {
      await changeSettings(this.store, id, settings);
      return true;
    } catch (error) {
      this.toasts.fail(t('chat.notChanged'), error);
      return false;
    }
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

  #ask(id: number, questionId: number): void {
    void this.store
      .getConversation(id)
      .then((chat) => chat && this.brains.find(chat.brain) && this.answers.write(id, questionId));
  }
}

/** A text with its files before it, as brains want them. */
function contentOf(text: string, files: readonly MessagePart[]): string | MessagePart[] {
  if (files.length === 0) return text;
  return [...files, ...(text.trim() === '' ? [] : [{ type: 'text', text }])];
}
