// The messages of one chat in a scroller: the newest first read, older ones as one scrolls up, new
// ones at the end, written here or elsewhere. Reads from the store; writes nothing.

import type {
  AddedMessage,
  Conversation,
  ConversationStore,
  Message,
  Role,
} from 'conversation-store';
import { announce } from './announce.ts';
import { arrange, h } from './dom.ts';
import { icon } from './icons.ts';
import { MessageView } from './message.ts';
import { shorten } from './text.ts';
import { inFull } from './times.ts';
import { because, codeOf, roleName } from './words.ts';

const PAGE = 50;
const NEAR_END = 48;

/** A message that is shown but not saved yet. */
export interface PendingMessage {
  saved: (added: AddedMessage) => void;
  failed: () => void;
}

export class MessageList {
  readonly element: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #items = h('ol', { class: 'messages', 'data-testid': 'messages' });
  readonly #top = h('div', { class: 'messages-top', 'data-testid': 'messages-top' });
  // Shown while messages of other tabs have not been in sight.
  readonly #new = h('span', { hidden: true }, 'New messages');
  readonly #toEnd: HTMLButtonElement;
  readonly #olderWatcher: IntersectionObserver;
  readonly #sizeWatcher: ResizeObserver;
  // In the store's order, read from it or saved from here.
  #shown: MessageView[] = [];
  #pending: MessageView[] = [];
  // Of those that were read the last. Behind it, before one saved from here, another tab may have
  // written one that is not known yet.
  #newest: number | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #atEnd = true;

  constructor(
    private readonly store: ConversationStore,
    private readonly conversation: Conversation,
  ) {
    this.#scroller = h(
      'div',
      {
        class: 'scroller',
        role: 'region',
        'aria-label': 'Messages',
        tabindex: 0,
        'data-testid': 'scroller',
        onscroll: () => this.#onScroll(),
      },
      h('div', { class: 'column' }, this.#top, this.#items),
    );
    this.#toEnd = h(
      'button',
      {
        type: 'button',
        class: 'icon-button to-end',
        'aria-label': 'Go to the newest message',
        'data-testid': 'to-end',
        hidden: true,
        onclick: () => {
          this.#scrollToEnd();
          this.#scroller.focus();
        },
      },
      this.#new,
      icon('down'),
    );
    this.element = h('div', { class: 'message-area' }, this.#scroller, this.#toEnd);
    this.#olderWatcher = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) void this.#readOlder();
      },
      { root: this.#scroller, rootMargin: '800px 0px 0px 0px' },
    );
    // When the composer grows, the end of the chat stays in sight.
    this.#sizeWatcher = new ResizeObserver(() => {
      if (this.#atEnd) this.#scrollToEnd();
    });
    this.#sizeWatcher.observe(this.#scroller);
  }

  /** Reads and shows the newest messages. */
  async start(): Promise<void> {
    await this.#inTurn(() => this.#readNewest());
  }

  /** Shows what was written elsewhere; `anew` if it may not only have grown at the end. */
  async catchUp(anew: boolean): Promise<void> {
    const added = await this.#inTurn(() =>
      this.#readOn(anew).catch((error) => {
        // The message to go on from is not there any more.
        if (codeOf(error) === 'conflict') return this.#readNewest();
        throw error;
      }),
    );
    this.#tell(added);
  }

  /** Shows a message that is on its way into the store. */
  add(role: Role, content: string): PendingMessage {
    const view = new MessageView(role, content);
    this.#pending.push(view);
    this.#render();
    this.#scrollToEnd();
    const settle = () => {
      this.#pending = this.#pending.filter((pending) => pending !== view);
    };
    return {
      saved: (added) => {
        settle();
        view.saved(added);
        if (this.#shown.every(({ id }) => id !== added.id)) this.#shown.push(view);
        this.#render();
        announce(`${roleName(role)}: ${shorten(content, 200)}`);
      },
      failed: () => {
        settle();
        this.#render();
      },
    };
  }

  dispose(): void {
    this.#olderWatcher.disconnect();
    this.#sizeWatcher.disconnect();
  }

  /** One after the other, so that each goes on from what the one before has shown. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #readNewest(): Promise<MessageView[]> {
    const count = this.#shown.length;
    const { messages, more } = await this.#page();
    return this.#put(0, count, messages, more);
  }

  /** Reads on from the last one that was read, or `anew` from the first one that is shown. */
  async #readOn(anew: boolean): Promise<MessageView[]> {
    const count = this.#shown.length;
    const id = anew && this.#newest !== undefined ? this.#shown[0]?.id : this.#newest;
    const messages = await this.store.messagesFor(
      this.conversation.id,
      id === undefined ? {} : { after: { id } },
    );
    if (id === undefined) return this.#put(0, count, messages, false);
    if (!anew) {
      const place = this.#shown.findIndex((view) => view.id === id) + 1;
      return this.#put(place, count, messages);
    }
    const first = await this.store.getMessage(id);
    return this.#put(0, count, first ? [first, ...messages] : messages);
  }

  async #readOlder(): Promise<void> {
    this.#olderWatcher.disconnect();
    await this.#inTurn(async () => {
      const [{ id } = {}] = this.#shown;
      if (id === undefined) return;
      try {
        const { messages, more } = await this.#page(id);
        this.#keepingPlace(() => {
          this.#shown.unshift(...messages.map((message) => MessageView.of(message)));
          this.#render();
          this.#renderTop(more);
        });
      } catch (error) {
        this.#keepingPlace(() => this.#renderTopError(error));
      }
    });
  }

  /** The newest messages, or those before one. */
  async #page(before?: number): Promise<{ messages: Message[]; more: boolean }> {
    // One more than a page tells whether there are older ones.
    const messages = await this.store.messagesFor(this.conversation.id, {
      limit: PAGE + 1,
      ...(before !== undefined && { before: { id: before } }),
    });
    const more = messages.length > PAGE;
    return { messages: more ? messages.slice(1) : messages, more };
  }

  /** From that place on shows what was read when `count` were shown. Returns the new ones. */
  #put(place: number, count: number, messages: Message[], more?: boolean): MessageView[] {
    const known = new Map(this.#shown.map((view) => [view.id, view]));
    const views = messages.map((message) => {
      const view = known.get(message.id);
      return view?.content === message.content ? view : MessageView.of(message);
    });
    const read = new Set(messages.map(({ id }) => id));
    const savedSince = this.#shown.slice(count).filter(({ id = 0 }) => !read.has(id));
    const end = this.#atEnd;
    this.#newest = messages.at(-1)?.id ?? this.#newest;
    this.#keepingPlace(() => {
      this.#shown = [...this.#shown.slice(0, place), ...views, ...savedSince];
      this.#render();
      if (more !== undefined) this.#renderTop(more);
    });
    if (end) this.#scrollToEnd();
    return views.filter(({ id }) => !known.has(id));
  }

  #render(): void {
    let day: string | undefined;
    const elements = [...this.#shown, ...this.#pending].flatMap((view) => {
      const first = view.day !== day;
      day = view.day;
      return first ? [view.mark, view.element] : [view.element];
    });
    arrange(this.#items, elements);
  }

  /** Says that there are new ones, and shows the way to them if they are out of sight. */
  #tell(added: MessageView[]): void {
    const [first] = added;
    if (!first) return;
    this.#setNew(true);
    this.#onScroll();
    announce(
      added.length === 1
        ? `${roleName(first.role)}: ${shorten(first.content, 200)}`
        : `${added.length} new messages`,
    );
  }

  /** Changes something without moving what is in sight. */
  #keepingPlace(change: () => void): void {
    const { top } = this.#scroller.getBoundingClientRect();
    const anchor = this.#shown
      .map(({ element }) => element)
      .find((element) => element.getBoundingClientRect().bottom > top);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (!anchor?.isConnected) return;
    this.#scroller.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  #renderTop(more: boolean): void {
    if (more) {
      this.#top.replaceChildren(h('p', {}, 'Loading older messages…'));
      // Observing anew asks again whether the top is in sight, which it may still be.
      this.#olderWatcher.disconnect();
      this.#olderWatcher.observe(this.#top);
    } else if (this.#shown.length > 0) {
      this.#top.replaceChildren(h('p', {}, `Started ${inFull(this.conversation.createdAt)}`));
    } else {
      this.#top.replaceChildren(
        h('p', { class: 'empty-words' }, 'No messages yet. Write the first one below.'),
      );
    }
  }

  #renderTopError(error: unknown): void {
    this.#top.replaceChildren(
      h('p', { role: 'alert' }, `Older messages could not be read: ${because(error)}`),
      h(
        'button',
        {
          type: 'button',
          class: 'button',
          onclick: () => {
            this.#renderTop(true);
            this.#scroller.focus();
          },
        },
        'Try again',
      ),
    );
  }

  #onScroll(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    const below = scrollHeight - scrollTop - clientHeight;
    this.#atEnd = below < NEAR_END;
    if (this.#atEnd) this.#setNew(false);
    this.#toEnd.hidden = this.#new.hidden && below < clientHeight / 2;
  }

  #setNew(isNew: boolean): void {
    this.#new.hidden = !isNew;
    this.#toEnd.setAttribute(
      'aria-label',
      isNew ? 'New messages: go to the newest' : 'Go to the newest message',
    );
  }

  #scrollToEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd = true;
  }
}
