// The main part of the page: shows the chat that is open, or what stands in its place when none
// is, when it is being read, is not there or cannot be read.

import type { ChangeDetail, Conversation } from 'conversation-store';
import { announce } from '../announce.ts';
import { h, hasKeyboard } from '../dom.ts';
import type { FirstRunActions } from '../first-run/first-run.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import type { ProblemActions } from '../problem/problem-view.ts';
import { hashOf, type Route } from '../route.ts';
import { shorten } from '../text.ts';
import type { Toasts } from '../toasts.ts';
import type { TrashActions } from '../trash/trash-view.ts';
import type { View } from '../view.ts';
import { because, titleOf } from '../words.ts';
import { backLink } from './back-link.ts';
import type { ChatView, ChatViewActions } from './chat-view.ts';
import type { Chats } from './chats.ts';
import type { Drafts } from './drafts.ts';
import type { NewChatActions } from './new-chat.ts';

export interface ChatPaneActions extends ChatViewActions, NewChatActions {
  trash: TrashActions;
  problem: ProblemActions;
  firstRun: FirstRunActions;
  /** There are no chats yet: where none is open, one is told how to begin. */
  isFirstRun: () => boolean;
}

/** Fetches what shows chats, once. */
export function loadViews() {
  return import('./views.ts');
}

export class ChatPane {
  readonly element = h('section', {
    class: 'chat',
    tabindex: -1,
    'aria-label': t('chat.label'),
    'data-testid': 'pane',
  });
  #view: View | undefined;
  // The same, if it is a chat.
  #shown: ChatView | undefined;
  // Asked for and being read: what changes meanwhile is to be shown too.
  #opening: ChatView | undefined;
  // The id of the chat that would be here, were it there.
  #missing: number | undefined;
  // A chat that was asked for before another one is not shown when it arrives.
  #asked = 0;

  constructor(
    private readonly chats: Chats,
    private readonly drafts: Drafts,
    private readonly toasts: Toasts,
    private readonly actions: ChatPaneActions,
  ) {
    chats.store.addEventListener('change', ({ detail }) => {
      // If it cannot be read now, it is with the next change.
      void this.#onChange(detail).catch(() => undefined);
    });
  }

  /** Shows a route; `focus` if the reader asked for it just now. */
  async show(route: Route, focus: boolean): Promise<void> {
    this.#asked += 1;
    if (route.view === 'chat') {
      const { id, message } = route;
      const view = this.#shown;
      // On show already; it is not to be read anew.
      if (message !== undefined && view?.id === id) {
        const found = await this.#reveal(view, message);
        if (focus) found?.focus({ preventScroll: true });
      } else {
        await this.#showChat(id, message, focus);
      }
    } else if (route.view === 'new') {
      await this.#fetchAndPut(async () => {
        const { NewChat } = await loadViews();
        return new NewChat(this.chats, this.drafts, this.toasts, this.actions);
      }, focus);
    } else if (route.view === 'trash') {
      await this.#fetchAndPut(async () => {
        const { TrashView } = await import('../trash/trash-view.ts');
        return new TrashView(this.chats.store, this.actions.trash);
      }, focus);
    } else if (route.view === 'problem') {
      await this.#fetchAndPut(async () => {
        const { problemView } = await import('../problem/problem-view.ts');
        return problemView(route.kind, this.actions.problem);
      }, focus);
    } else if (this.actions.isFirstRun()) {
      await this.#fetchAndPut(
        async () => {
          const { FirstRun } = await import('../first-run/first-run.ts');
          return new FirstRun(this.actions.firstRun);
        },
        focus,
        false,
      );
    } else {
      document.title = t('app.name');
      this.#putNote(
        h('p', { class: 'note-title' }, t('chat.noneOpen')),
        h('p', {}, t('chat.noneOpenText')),
        h(
          'a',
          { class: 'button', href: hashOf({ view: 'new' }) },
          icon('plus'),
          t('common.newChat'),
        ),
      );
    }
  }

  /** What was done to the chat that is shown, or would be were it there. */
  async #onChange({ reset, changes }: ChangeDetail): Promise<void> {
    const id = this.#id;
    const own = changes.filter((each) => each.kind === 'conversation' && each.id === id);
    if (id === undefined || (!reset && own.length === 0)) return;
    const asked = this.#asked;
    const conversation = await this.chats.find(id);
    // Something else was asked for meanwhile, or what was asked for before is here now.
    if (asked !== this.#asked || id !== this.#id) return;
    const view = this.#chat;
    const here = conversation && conversation.trashedAt === null;
    if (!view) {
      if (here) await this.show({ view: 'chat', id }, false);
      // Deleted for good meanwhile, or put back into the trash.
      else this.#putAway(id, conversation);
    } else if (view.uid !== conversation?.uid) {
      this.#gone(view, undefined);
    } else if (!here) {
      // What was done here leads to the list.
      if (own.some(({ local }) => !local) || reset) this.#gone(view, conversation);
    } else {
      view.update(conversation);
      if (view === this.#view) nameTab(conversation);
    }
  }

  /** The chat on show is to be shown no longer: that was decided elsewhere. */
  #gone(view: ChatView, conversation: Conversation | undefined): void {
    const hadFocus = this.element.contains(document.activeElement);
    this.#asked += 1;
    this.#putAway(view.id, conversation, view.uid);
    announce(t('chat.deletedElsewhere'));
    if (hadFocus) this.element.focus();
  }

  /** Says that a chat is in the trash, or not there at all; and what was not sent to it. */
  #putAway(id: number, conversation: Conversation | undefined, uid = conversation?.uid): void {
    const text = uid === undefined ? '' : this.drafts.get(uid).text;
    const inTrash = conversation !== undefined;
    const words = inTrash ? t('chat.inTrashText') : t('chat.notHereText');
    this.#putMissing(
      id,
      h('p', { class: 'note-title' }, inTrash ? t('chat.inTrash') : t('chat.notHere')),
      h('p', {}, words),
      text !== '' && h('p', { class: 'note-more' }, t('chat.notSent')),
      text !== '' && h('p', { class: 'note-draft', dir: 'auto', tabindex: 0 }, text),
      inTrash &&
        h(
          'button',
          {
            type: 'button',
            class: 'button button-main',
            onclick: () => void this.chats.restore(id),
          },
          t('chat.restoreIt'),
        ),
    );
  }

  focus(): void {
    if (this.#view) this.#view.focus();
    else this.element.focus();
  }

  /** Shows a message of a chat; says so if it cannot be shown. */
  async #reveal(view: ChatView, message: number): Promise<HTMLElement | undefined> {
    const asked = this.#asked;
    try {
      const found = await view.reveal(message);
      if (asked !== this.#asked) return undefined;
      if (!found) this.toasts.show(t('chat.messageGone'));
      return found;
    } catch (error) {
      this.toasts.fail(t('chat.messageNotShown'), error);
      return undefined;
    }
  }

  /** Shows a view whose code is fetched first, unless something else was asked for meanwhile. */
  async #fetchAndPut(make: () => Promise<View>, focus: boolean, named = true): Promise<void> {
    const asked = this.#asked;
    try {
      const view = await make();
      if (asked !== this.#asked) {
        view.dispose?.();
        return;
      }
      document.title = named ? `${view.heading.textContent} · ${t('app.name')}` : t('app.name');
      this.#put(view, focus);
    } catch (error) {
      this.toasts.fail(t('app.didNotWork'), error);
    }
  }

  async #showChat(id: number, message: number | undefined, focus: boolean): Promise<void> {
    const asked = this.#asked;
    this.#putNote(h('p', { class: 'late', role: 'status' }, t('chat.opening')));
    try {
      const [conversation, { ChatView }] = await Promise.all([this.chats.find(id), loadViews()]);
      if (asked !== this.#asked) return;
      if (!conversation || conversation.trashedAt !== null) {
        this.#putAway(id, conversation);
        return;
      }
      const { chats, drafts, toasts, actions } = this;
      const view = new ChatView(conversation, chats, drafts, toasts, actions);
      // Measured and scrolled in the page, but seen only when its messages are there.
      view.element.dataset.state = 'loading';
      view.element.inert = true;
      this.element.append(view.element);
      this.#opening = view;
      let found: HTMLElement | undefined;
      try {
        await view.start();
        if (message !== undefined) found = await this.#reveal(view, message);
      } catch (error) {
        view.dispose();
        view.element.remove();
        throw error;
      } finally {
        if (this.#opening === view) this.#opening = undefined;
      }
      if (asked !== this.#asked) {
        view.dispose();
        view.element.remove();
        return;
      }
      delete view.element.dataset.state;
      view.element.inert = false;
      nameTab(view.shown);
      this.#put(view, focus && !found);
      this.#shown = view;
      if (focus) found?.focus({ preventScroll: true });
    } catch (error) {
      if (asked !== this.#asked) return;
      this.#putNote(
        h('p', { class: 'note-title' }, t('chat.unreadable')),
        h('p', { role: 'alert' }, t('chat.unreadableText', { why: because(error) })),
        h(
          'button',
          {
            type: 'button',
            class: 'button',
            onclick: () => void this.show({ view: 'chat', id }, true),
          },
          t('common.tryAgain'),
        ),
      );
    }
  }

  /** The chat that is here, or would be were it there. */
  get #id(): number | undefined {
    return this.#missing ?? this.#chat?.id;
  }

  /** The chat that is open, or being read to be. */
  get #chat(): ChatView | undefined {
    return this.#shown ?? this.#opening;
  }

  #put(view: View, focus: boolean): void {
    this.#view?.dispose?.();
    this.#view = view;
    this.#shown = undefined;
    this.#opening = undefined;
    this.#missing = undefined;
    for (const child of [...this.element.children]) {
      if (child !== view.element) child.remove();
    }
    // Not put in again if it is in already: it would lose its scroll position.
    if (!view.element.isConnected) this.element.append(view.element);
    if (!focus) return;
    // On a touch screen the keyboard would cover what was just opened.
    if (hasKeyboard()) view.focus();
    else view.heading.focus();
  }

  #putMissing(id: number, ...words: (Node | false)[]): void {
    document.title = t('app.name');
    this.#putNote(
      ...words,
      h('a', { class: 'button', href: hashOf({ view: 'list' }) }, t('chat.showAll')),
    );
    this.#missing = id;
  }

  #putNote(...children: (Node | false)[]): void {
    this.#view?.dispose?.();
    this.#view = undefined;
    this.#shown = undefined;
    this.#opening = undefined;
    this.#missing = undefined;
    this.element.replaceChildren(
      h('header', { class: 'chat-head chat-head-bare' }, backLink()),
      h('div', { class: 'note', 'data-testid': 'note' }, ...children),
    );
  }
}

function nameTab(conversation: Conversation): void {
  document.title = `${shorten(titleOf(conversation), 60)} · ${t('app.name')}`;
}
