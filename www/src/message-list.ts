// The messages of one chat in a scroller: the newest first read, older ones as one scrolls up, new
// ones at the end. Reads from the store; writes nothing.

import type { Conversation, ConversationStore, Message, Role } from 'conversation-store';
import { announce } from './announce.ts';
import { h } from './dom.ts';
import { icon } from './icons.ts';
import { MessageView } from './message.ts';
import { shorten } from './text.ts';
import { dayKey, dayName, inFull } from './times.ts';
import { because, roleName } from './words.ts';

const PAGE = 50;
const NEAR_END = 48;

/** A message that is shown but not saved yet. */
export interface PendingMessage {
  saved: (createdAt: string) => void;
  failed: () => void;
}

export class MessageList {
  readonly element: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #items = h('ol', { class: 'messages', 'data-testid': 'messages' });
  readonly #top = h('div', { class: 'messages-top', 'data-testid': 'messages-top' });
  readonly #toEnd: HTMLButtonElement;
  readonly #olderWatcher: IntersectionObserver;
  readonly #sizeWatcher: ResizeObserver;
  #oldest: Message | undefined;
  #lastDay: string | undefined;
  #reading = false;
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
        hidden: true,
        onclick: () => {
          this.#scrollToEnd();
          this.#scroller.focus();
        },
      },
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
    const { messages, more } = await this.#read();
    for (const message of messages) {
      this.#startDay(message.createdAt);
      this.#items.append(MessageView.of(message).element);
    }
    this.#oldest = messages[0];
    this.#renderTop(more);
    this.#scrollToEnd();
  }

  /** Shows a message that is on its way into the store. */
  add(role: Role, content: string): PendingMessage {
    const view = new MessageView(role, content);
    this.#startDay(new Date().toISOString());
    this.#items.append(view.element);
    this.#scrollToEnd();
    return {
      saved: (createdAt) => {
        view.saved(createdAt);
        announce(`${roleName(role)}: ${shorten(content, 200)}`);
      },
      failed: () => {
        view.element.remove();
        const last = this.#items.lastElementChild;
        if (last?.classList.contains('day')) {
          last.remove();
          this.#lastDay = undefined;
        }
      },
    };
  }

  dispose(): void {
    this.#olderWatcher.disconnect();
    this.#sizeWatcher.disconnect();
  }

  async #read(before?: Message): Promise<{ messages: Message[]; more: boolean }> {
    // One more than a page tells whether there are older ones.
    const messages = await this.store.messagesFor(this.conversation.id, {
      limit: PAGE + 1,
      ...(before && { before: { id: before.id } }),
    });
    const more = messages.length > PAGE;
    return { messages: more ? messages.slice(1) : messages, more };
  }

  async #readOlder(): Promise<void> {
    if (this.#reading || !this.#oldest) return;
    this.#reading = true;
    this.#olderWatcher.disconnect();
    try {
      const { messages, more } = await this.#read(this.#oldest);
      this.#oldest = messages[0] ?? this.#oldest;
      this.#keepingPlace(() => {
        this.#prepend(messages);
        this.#renderTop(more);
      });
    } catch (error) {
      this.#keepingPlace(() => this.#renderTopError(error));
    } finally {
      this.#reading = false;
    }
  }

  #prepend(messages: Message[]): void {
    const older = document.createDocumentFragment();
    let day: string | undefined;
    for (const message of messages) {
      if (dayKey(message.createdAt) !== day) {
        day = dayKey(message.createdAt);
        older.append(dayMark(message.createdAt));
      }
      older.append(MessageView.of(message).element);
    }
    // The day that stood first may have begun earlier.
    const first = this.#items.firstElementChild;
    if (first instanceof HTMLElement && first.dataset.day === day) first.remove();
    this.#items.prepend(older);
  }

  /** Changes what is above without moving what is in sight. */
  #keepingPlace(change: () => void): void {
    const anchor = this.#items.querySelector('.message');
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    const after = anchor?.getBoundingClientRect().top ?? 0;
    this.#scroller.scrollTop += after - before;
  }

  #startDay(createdAt: string): void {
    const day = dayKey(createdAt);
    if (day === this.#lastDay) return;
    this.#lastDay = day;
    this.#items.append(dayMark(createdAt));
  }

  #renderTop(more: boolean): void {
    if (more) {
      this.#top.replaceChildren(h('p', {}, 'Loading older messages…'));
      // Observing anew asks again whether the top is in sight, which it may still be.
      this.#olderWatcher.observe(this.#top);
    } else if (this.#oldest) {
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
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    this.#toEnd.hidden = scrollHeight - scrollTop - clientHeight < clientHeight / 2;
  }

  #scrollToEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd = true;
  }
}

function dayMark(createdAt: string): HTMLElement {
  return h('li', { class: 'day', 'data-day': dayKey(createdAt) }, dayName(createdAt));
}
