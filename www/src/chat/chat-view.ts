// One open chat: its head, its messages, the composer.

import type { Conversation, Message } from 'conversation-store';
import { connectModel } from '../brains/connect.ts';
import { BrainPicker } from '../brains/picker.ts';
import { whereWords } from '../brains/where.ts';
import { h, hasKeyboard } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { inlineEdit } from '../inline-edit.ts';
import { menuButton } from '../menu.ts';
import { languageOf, shorten } from '../text.ts';
import type { Toast, Toasts } from '../toasts.ts';
import { FILE_KINDS, type FileKind } from '../transfer/transfer.ts';
import type { View } from '../view.ts';
import { titleOf } from '../words.ts';
import { partOf } from './attachments.ts';
import { backLink } from './back-link.ts';
import type { Chats } from './chats.ts';
import { Composer } from './composer.ts';
import type { Draft, Drafts } from './drafts.ts';
import { takeDrops } from './drop.ts';
import { MessageList } from './message-list.ts';
import { settingsOf } from './settings.ts';

export interface ChatViewActions {
  delete: (conversation: Conversation) => void;
  export: (conversation: Conversation, kind: FileKind) => void;
  escape: () => void;
  /** Another chat was made of this one. */
  forked: (id: number) => void;
}

export class ChatView implements View {
  readonly element: HTMLElement;
  readonly heading = h('h2', {
    class: 'chat-title',
    dir: 'auto',
    tabindex: -1,
    'data-testid': 'chat-title',
  });
  readonly #archived = h(
    'span',
    { class: 'badge', hidden: true, 'data-testid': 'chat-archived' },
    t('chat.archived'),
  );
  readonly #head: HTMLElement;
  readonly #brain: BrainPicker;
  readonly #messages: MessageList;
  readonly #composer: Composer;
  readonly #unsubscribe: () => void;
  #disposed = false;
  // Says once, for as long as an answer is being written, that nothing else is sent.
  #tooEarly: Toast | undefined;

  constructor(
    private conversation: Conversation,
    private readonly chats: Chats,
    private readonly drafts: Drafts,
    private readonly toasts: Toasts,
    private readonly actions: ChatViewActions,
  ) {
    const { endpoints } = chats.brains;
    this.#brain = new BrainPicker('chat-brain', endpoints, () => chats.knownBrains, {
      choose: (brain) => void this.#chooseBrain(brain),
      connect: () => connectModel(endpoints),
    });
    this.#head = h(
      'header',
      { class: 'chat-head' },
      backLink(),
      h('div', { class: 'chat-name' }, this.heading, this.#archived, this.#brain.element),
      h(
        'div',
        { class: 'chat-actions' },
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button',
            'aria-label': t('chat.settings'),
            title: t('chat.settings'),
            'data-testid': 'chat-settings',
            onclick: () => void this.#openSettings(),
          },
          icon('sliders'),
        ),
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button',
            'aria-label': t('chat.renameIt'),
            'data-testid': 'chat-rename',
            title: t('chat.renameIt'),
            onclick: () => this.#rename(),
          },
          icon('pencil'),
        ),
        menuButton(
          t('chat.exportIt'),
          () =>
            FILE_KINDS.map((kind) => ({
              label: t(`transfer.${kind}`),
              icon: 'out' as const,
              run: () => actions.export(this.conversation, kind),
            })),
          { title: t('chat.exportIt'), 'data-testid': 'chat-export' },
          'out',
        ),
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button',
            'aria-label': t('chat.deleteIt'),
            title: t('chat.deleteIt'),
            'data-testid': 'chat-delete',
            onclick: () => actions.delete(this.conversation),
          },
          icon('trash'),
        ),
      ),
    );
    this.#messages = new MessageList(chats, conversation, {
      edit: (message, text) => this.#sayInstead(message, text),
      answer: (message) => void this.#answer(() => chats.answer(message)),
      resume: (message) => void this.#answer(() => chats.resume(message)),
      fork: (message) => void this.#fork(message),
      readBlob: (ref) => chats.store.getBlob(ref),
      failed: (what, error) => toasts.fail(what, error),
    });
    this.#composer = new Composer(drafts.get(conversation.uid), {
      send: (draft) => void this.#send(draft),
      changed: (draft) => drafts.set(conversation.uid, draft),
      escape: actions.escape,
      stop: () => void chats.answers.stop(this.id),
      tooEarly: () => {
        this.#tooEarly ??= toasts.show(t('chat.tooEarly'));
      },
      keep: (file) => chats.keepFile(file),
      readBlob: (ref) => chats.store.getBlob(ref),
    });
    const ends = [
      chats.answers.onChange(() => this.#renderWriting()),
      endpoints.onChange(() => this.#renderBrain()),
    ];
    this.#unsubscribe = () => {
      for (const end of ends) end();
    };
    this.element = h(
      'div',
      { class: 'view', 'data-testid': 'chat' },
      this.#head,
      this.#messages.element,
      this.#composer.element,
    );
    takeDrops(this.element, this.#composer);
    this.update(conversation);
    this.#renderWriting();
  }

  get id(): number {
    return this.conversation.id;
  }

  get uid(): string {
    return this.conversation.uid;
  }

  /** The chat as it is shown. */
  get shown(): Conversation {
    return this.conversation;
  }

  /** Shows the newest messages. The view must be in the page: it is scrolled to their end. */
  async start(): Promise<void> {
    await this.#messages.start();
    this.#composer.shown();
  }

  /** Shows a message of whatever branch. Resolves to its element; undefined if it is not there any more. */
  reveal(message: number): Promise<HTMLElement | undefined> {
    return this.#messages.reveal(message);
  }

  update(conversation: Conversation): void {
    this.conversation = conversation;
    const title = titleOf(conversation);
    this.heading.textContent = shorten(title, 200);
    this.heading.lang = languageOf(title) ?? '';
    this.heading.toggleAttribute('data-untitled', conversation.title.trim() === '');
    this.#archived.hidden = !conversation.archived;
    this.#renderBrain();
  }

  focus(): void {
    this.#composer.focus();
  }

  dispose(): void {
    this.#disposed = true;
    this.#tooEarly?.close();
    this.#unsubscribe();
    this.#messages.dispose();
  }

  async #send(draft: Draft): Promise<void> {
    const { conversation } = this;
    const { role, text, files } = draft;
    const parts = text.trim() === '' ? [] : [{ type: 'text', text }];
    const pending = this.#messages.add(role, text, [...files.map(partOf), ...parts]);
    try {
      pending.saved(await this.chats.say(conversation, draft, pending.uid));
    } catch (error) {
      pending.failed();
      this.drafts.giveBack(conversation.uid, draft);
      if (!this.#disposed) this.#composer.fill(this.drafts.get(conversation.uid));
      this.toasts.fail(t('chat.notSaved'), error, ` ${t('chat.textIsBack')}`);
    }
  }

  async #sayInstead(message: Message, text: string): Promise<boolean> {
    try {
      await this.chats.sayInstead(this.conversation, message, text);
      this.#goOn();
      return true;
    } catch (error) {
      this.toasts.fail(t('chat.notSaved'), error);
      return false;
    }
  }

  async #answer(write: () => Promise<void>): Promise<void> {
    this.#goOn();
    try {
      await write();
    } catch (error) {
      this.toasts.fail(t('chat.noAnswer'), error);
    }
  }

  /** Where the focus goes when the message that had it gives its place to another. */
  #goOn(): void {
    // On a touch screen the keyboard would cover what comes.
    if (hasKeyboard()) this.#composer.focus();
  }

  #renderWriting(): void {
    const writing = this.chats.answers.isWriting(this.id);
    this.#composer.setWriting(writing);
    if (writing) return;
    this.#tooEarly?.close();
    this.#tooEarly = undefined;
  }

  async #fork(message: Message): Promise<void> {
    try {
      this.actions.forked(await this.chats.fork(message));
      const name = shorten(titleOf(this.conversation), 40);
      this.toasts.show(t('chat.forked', { name }));
    } catch (error) {
      this.toasts.fail(t('chat.notForked'), error);
    }
  }

  async #chooseBrain(brain: string): Promise<void> {
    if (brain === this.conversation.brain) return;
    if (!(await this.chats.change(this.id, { brain }))) this.#renderBrain();
  }

  #renderBrain(): void {
    const { brain } = this.conversation;
    this.#brain.brain = brain;
    const { model } = settingsOf(this.conversation);
    this.#composer.setWhere(whereWords(this.chats.brains, brain, model));
  }

  async #openSettings(): Promise<void> {
    const { openChatSettings } = await import('./chat-settings.ts');
    const { brain } = this.conversation;
    openChatSettings(settingsOf(this.conversation), this.chats.brains.find(brain)?.model, {
      save: (settings) => this.chats.changeSettings(this.id, settings),
    });
  }

  #rename(): void {
    if (this.#head.querySelector('input')) return;
    const input = inlineEdit({
      value: this.conversation.title,
      label: t('common.title'),
      maxLength: 10_000,
      save: (title) => this.chats.change(this.id, { title }),
      done: (byKey) => {
        input.remove();
        this.heading.hidden = false;
        if (byKey) this.heading.focus();
      },
    });
    this.heading.hidden = true;
    this.heading.after(input);
    input.focus();
    input.select();
  }
}
