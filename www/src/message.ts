// One message as it is shown. Text is people's text: it becomes text nodes and nothing else.

import type { Message, Role } from 'conversation-store';
import { h } from './dom.ts';
import { blocksFrom, languageOf, shownLength } from './text.ts';
import { dayKey, dayName, inFull, timeOfDay } from './times.ts';
import { roleName, size } from './words.ts';

export class MessageView {
  readonly element: HTMLLIElement;
  /** Undefined while it is not saved. */
  id: number | undefined;
  readonly #time = h('time', { class: 'message-time' }, 'Saving…');
  #createdAt = new Date().toISOString();
  #mark: HTMLElement | undefined;

  constructor(
    readonly role: Role,
    readonly content: string,
  ) {
    this.element = h(
      'li',
      { class: 'message', 'data-role': role, 'data-testid': 'message' },
      h(
        'div',
        { class: 'message-head' },
        h('span', { class: 'message-role' }, roleName(role)),
        this.#time,
      ),
      textOf(content),
    );
    this.element.setAttribute('aria-busy', 'true');
  }

  /** A message that is in the store. */
  static of(message: Message): MessageView {
    const view = new MessageView(message.role, message.content);
    view.saved(message);
    return view;
  }

  saved({ id, createdAt }: { id: number; createdAt: string }): void {
    this.id = id;
    this.#createdAt = createdAt;
    this.#mark = undefined;
    this.element.removeAttribute('aria-busy');
    this.#time.dateTime = createdAt;
    this.#time.title = inFull(createdAt);
    this.#time.textContent = timeOfDay(createdAt);
  }

  /** The calendar day it belongs to. */
  get day(): string {
    return dayKey(this.#createdAt);
  }

  /** The name of its day, to stand above it where it is the first of that day. */
  get mark(): HTMLElement {
    this.#mark ??= h('li', { class: 'day' }, dayName(this.#createdAt));
    return this.#mark;
  }
}

function textOf(content: string): HTMLElement {
  const lang = languageOf(content);
  const end = shownLength(content);
  const text = h('div', { class: 'message-text', dir: 'auto', lang }, content.slice(0, end));
  text.dataset.testid = 'message-text';
  if (end === content.length) return text;

  const bytes = new Blob([content]).size;
  const button = h(
    'button',
    { type: 'button', class: 'button message-more', 'data-testid': 'show-all' },
    `Show all (${size(bytes)})`,
  );
  button.addEventListener('click', () => {
    text.tabIndex = -1;
    text.focus({ preventScroll: true });
    button.remove();
    showRest(text, blocksFrom(content, end));
  });
  return h('div', { class: 'message-long' }, text, button);
}

/** Adds block after block, a few in each frame, so that the page stays usable meanwhile. */
function showRest(text: HTMLElement, blocks: Generator<string>): void {
  for (let count = 0; count < 4; count += 1) {
    const { done, value } = blocks.next();
    if (done) return;
    text.append(h('div', { class: 'message-block', dir: 'auto' }, value));
  }
  requestAnimationFrame(() => {
    if (text.isConnected) showRest(text, blocks);
  });
}
