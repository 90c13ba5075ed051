// The main part of the page: shows the chat that is open, or what stands in its place when none
// is, when it is being read, is not there or cannot be read.

import type { Conversation } from 'conversation-store';
import { backLink, ChatView, type ChatViewActions } from './chat-view.ts';
import type { Chats } from './chats.ts';
import { h, hasKeyboard } from './dom.ts';
import type { Drafts } from './drafts.ts';
import { icon } from './icons.ts';
import { NewChat, type NewChatActions } from './new-chat.ts';
import { hashOf, type Route } from './route.ts';
import { shorten } from './text.ts';
import type { Toasts } from './toasts.ts';
import { because, titleOf } from './words.ts';

export interface ChatPaneActions extends ChatViewActions, NewChatActions {
  /** Whether a conversation is to be taken for deleted. */
  isHidden: (id: number) => boolean;
}

export class ChatPane {
  readonly element = h('main', { class: 'chat', tabindex: -1 });
  #view: ChatView | NewChat | undefined;
  // A chat that was asked for before another one is not shown when it arrives.
  #asked = 0;

  constructor(
    private readonly chats: Chats,
    private readonly drafts: Drafts,
    private readonly toasts: Toasts,
    private readonly actions: ChatPaneActions,
  ) {}

  /** Shows a route; `focus` if the reader asked for it just now. */
  async show(route: Route, focus: boolean): Promise<void> {
    this.#asked += 1;
    if (route.view === 'chat') {
      await this.#showChat(route.id, focus);
    } else if (route.view === 'new') {
      document.title = 'New chat · Chats';
      this.#put(new NewChat(this.chats, this.drafts, this.toasts, this.actions), focus);
    } else {
      document.title = 'Chats';
      this.#putNote(
        h('p', { class: 'note-title' }, 'No chat is open'),
        h('p', {}, 'Start a new one, or choose one from the list.'),
        h('a', { class: 'button', href: hashOf({ view: 'new' }) }, icon('plus'), 'New chat'),
      );
    }
  }

  /** The open chat was changed. */
  update(conversation: Conversation): void {
    if (!(this.#view instanceof ChatView) || this.#view.id !== conversation.id) return;
    this.#view.update(conversation);
    nameTab(conversation);
  }

  focus(): void {
    if (this.#view) this.#view.focusComposer();
    else this.element.focus();
  }

  async #showChat(id: number, focus: boolean): Promise<void> {
    const asked = this.#asked;
    this.#putNote(h('p', { class: 'late', role: 'status' }, 'Opening the chat…'));
    try {
      const conversation = this.actions.isHidden(id) ? undefined : await this.chats.find(id);
      if (asked !== this.#asked) return;
      if (!conversation) {
        document.title = 'Chats';
        this.#putNote(
          h('p', { class: 'note-title' }, 'This chat is not here'),
          h('p', {}, 'It was deleted, or the address is from another device.'),
          h('a', { class: 'button', href: hashOf({ view: 'list' }) }, 'Show all chats'),
        );
        return;
      }
      const { chats, drafts, toasts, actions } = this;
      const view = new ChatView(conversation, chats, drafts, toasts, actions);
      // Measured and scrolled in the page, but seen only when its messages are there.
      view.element.dataset.state = 'loading';
      view.element.inert = true;
      this.element.append(view.element);
      try {
        await view.start();
      } catch (error) {
        view.dispose();
        view.element.remove();
        throw error;
      }
      if (asked !== this.#asked) {
        view.dispose();
        view.element.remove();
        return;
      }
      delete view.element.dataset.state;
      view.element.inert = false;
      nameTab(conversation);
      this.#put(view, focus);
    } catch (error) {
      if (asked !== this.#asked) return;
      this.#putNote(
        h('p', { class: 'note-title' }, 'This chat could not be read'),
        h('p', { role: 'alert' }, `It did not work: ${because(error)}`),
        h(
          'button',
          {
            type: 'button',
            class: 'button',
            onclick: () => void this.show({ view: 'chat', id }, true),
          },
          'Try again',
        ),
      );
    }
  }

  #put(view: ChatView | NewChat, focus: boolean): void {
    if (this.#view instanceof ChatView) this.#view.dispose();
    this.#view = view;
    for (const child of [...this.element.children]) {
      if (child !== view.element) child.remove();
    }
    // Not put in again if it is in already: it would lose its scroll position.
    if (!view.element.isConnected) this.element.append(view.element);
    if (!focus) return;
    // On a touch screen the keyboard would cover what was just opened.
    if (hasKeyboard()) view.focusComposer();
    else view.heading.focus();
  }

  #putNote(...children: Node[]): void {
    if (this.#view instanceof ChatView) this.#view.dispose();
    this.#view = undefined;
    this.element.replaceChildren(
      h('header', { class: 'chat-head chat-head-bare' }, backLink()),
      h('div', { class: 'note', 'data-testid': 'note' }, ...children),
    );
  }
}

function nameTab(conversation: Conversation): void {
  document.title = `${shorten(titleOf(conversation), 60)} · Chats`;
}
