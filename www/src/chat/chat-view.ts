// One open chat: its head, its messages, the composer.

import type { Conversation, Message } from 'conversation-store';
import type { Chats } from './chats.ts';
import { Composer } from './composer.ts';
import { h, hasKeyboard } from '../dom.ts';
import type { Draft, Drafts } from './drafts.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { inlineEdit } from '../inline-edit.ts';
import { MessageList } from './message-list.ts';
import { hashOf } from '../route.ts';
import { languageOf, shorten } from '../text.ts';
import type { Toasts } from '../toasts.ts';
import type { View } from '../view.ts';
import { titleOf } from '../words.ts';

export interface ChatViewActions {
  delete: (conversation: Conversation) => void;
  export: (conversation: Conversation) => void;
  escape: () => void;
}

/** The way back to the list, shown where the list is a view of its own. */
export function backLink(): HTMLAnchorElement {
  return h(
    'a',
    {
      class: 'icon-button back',
      href: hashOf({ view: 'list' }),
      'aria-label': t('chat.back'),
      'data-testid': 'back',
    },
    icon('back'),
  );
}

export class ChatView implements View {
  readonly element: HTMLElement;
  readonly heading = h('h2', {
    class: 'chat-title',
    dir: 'auto',
    tabindex: -1,
    'data-testid': 'chat-title',
  });
  readonly #head: HTMLElement;
  readonly #brain = h('button', {
    type: 'button',
    class: 'badge badge-button',
    dir: 'auto',
    'data-testid': 'chat-brain',
    onclick: () => this.#edit('brain'),
  });
  readonly #brains = h('datalist', { id: 'chat-brains' });
  readonly #messages: MessageList;
  readonly #composer: Composer;
  readonly #unsubscribe: () => void;
  #disposed = false;

  constructor(
    private conversation: Conversation,
    private readonly chats: Chats,
    private readonly drafts: Drafts,
    private readonly toasts: Toasts,
    actions: ChatViewActions,
  ) {
    this.#head = h(
      'header',
      { class: 'chat-head' },
      backLink(),
      h('div', { class: 'chat-name' }, this.heading, this.#brain),
      h(
        'div',
        { class: 'chat-actions' },
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button',
            'aria-label': t('chat.renameIt'),
            'data-testid': 'chat-rename',
            onclick: () => this.#edit('title'),
          },
          icon('pencil'),
        ),
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button',
            'aria-label': t('chat.exportIt'),
            'data-testid': 'chat-export',
            onclick: () => actions.export(this.conversation),
          },
          icon('out'),
        ),
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button',
            'aria-label': t('chat.deleteIt'),
            'data-testid': 'chat-delete',
            onclick: () => actions.delete(this.conversation),
          },
          icon('trash'),
        ),
      ),
      this.#brains,
    );
    this.#messages = new MessageList(chats, conversation, {
      edit: (message, text) => this.#sayInstead(message, text),
      answer: (message) => void this.#answer(message),
      failed: (what, error) => toasts.fail(what, error),
    });
    this.#composer = new Composer(drafts.get(conversation.uid), {
      send: (draft) => void this.#send(draft),
      changed: (draft) => drafts.set(conversation.uid, draft),
      escape: actions.escape,
      stop: () => void chats.answers.stop(this.id),
    });
    this.#unsubscribe = chats.answers.onChange(() => this.#renderWriting());
    this.element = h(
      'div',
      { class: 'view', 'data-testid': 'chat' },
      this.#head,
      this.#messages.element,
      this.#composer.element,
    );
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
    const brain = shorten(conversation.brain, 60);
    this.#brain.textContent = brain;
    this.#brain.setAttribute('aria-label', t('chat.brainOf', { brain }));
  }

  focus(): void {
    this.#composer.focus();
  }

  dispose(): void {
    this.#disposed = true;
    this.#unsubscribe();
    this.#messages.dispose();
  }

  async #send(draft: Draft): Promise<void> {
    const { conversation } = this;
    const pending = this.#messages.add(draft.role, draft.text);
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

  async #answer(message: Message): Promise<void> {
    this.#goOn();
    try {
      await this.chats.answer(message);
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
    this.#composer.setWriting(this.chats.answers.isWriting(this.id));
  }

  #edit(what: 'title' | 'brain'): void {
    if (this.#head.querySelector('input')) return;
    this.#brains.replaceChildren(...this.chats.brains.map((value) => h('option', { value })));
    const shown = what === 'title' ? this.heading : this.#brain;
    const input = inlineEdit({
      value: this.conversation[what],
      label: t(what === 'title' ? 'common.title' : 'common.brain'),
      maxLength: what === 'title' ? 10_000 : 1_000,
      ...(what === 'brain' && { list: this.#brains.id }),
      save: (value) => this.chats.change(this.id, { [what]: value }),
      done: (byKey) => {
        input.remove();
        shown.hidden = false;
        if (byKey) shown.focus();
      },
    });
    shown.hidden = true;
    shown.after(input);
    input.focus();
    input.select();
  }
}
