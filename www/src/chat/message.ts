// One message as it is shown, its text growing while it comes. Text is people's text: it becomes
// text nodes and nothing else. Knows no store.

import type { Message, Role } from 'conversation-store';
import type { Place } from './branches.ts';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { messageEdit } from './message-edit.ts';
import { blocksFrom, fenced, languageOf, shownLength } from '../text.ts';
import { dayKey, dayName, inFull, timeOfDay } from '../times.ts';
import { roleName, size, statusWords } from '../words.ts';

export interface MessageActions {
  /** Shows the version before (-1) or after (1) this one. */
  step: (view: MessageView, by: -1 | 1) => void;
  /** Says something else in its place. False keeps the field open. */
  edit: (message: Message, text: string) => Promise<boolean>;
  /** Answers it; an answer's question, once more. */
  answer: (message: Message) => void;
}

export class MessageView {
  readonly element: HTMLLIElement;
  /** The row it shows; undefined while it is on its way into the store. */
  message: Message | undefined;
  readonly #body = h('div', { class: 'message-body' });
  readonly #time = h('time', { class: 'message-time' }, t('chat.saving'));
  readonly #model = h('span', { class: 'message-model', dir: 'auto', hidden: true });
  readonly #status = h('span', {
    class: 'message-status',
    hidden: true,
    'data-testid': 'message-status',
  });
  readonly #foot = h('div', { class: 'message-foot' });
  readonly #place = h('span', { class: 'place-words', 'data-testid': 'place' });
  readonly #steps: Record<-1 | 1, HTMLButtonElement>;
  readonly #places: HTMLElement;
  readonly #answer: HTMLButtonElement;
  #createdAt = new Date().toISOString();
  #mark: HTMLElement | undefined;
  #last = false;
  #shownPlace = '';
  #text!: HTMLElement;
  // Where growing text goes; undefined where the end of it is not on show.
  #end: Text | undefined;

  constructor(
    readonly uid: string,
    readonly role: Role,
    private content: string,
    private readonly actions: MessageActions,
  ) {
    const step = (by: -1 | 1, label: string, name: 'back' | 'next') =>
      h(
        'button',
        {
          type: 'button',
          class: 'icon-button small',
          'aria-label': label,
          onclick: () => actions.step(this, by),
        },
        icon(name),
      );
    this.#steps = {
      [-1]: step(-1, t('chat.previousVersion'), 'back'),
      1: step(1, t('chat.nextVersion'), 'next'),
    };
    this.#places = h(
      'div',
      { class: 'places', role: 'group', 'aria-label': t('chat.versions'), hidden: true },
      this.#steps[-1],
      this.#place,
      this.#steps[1],
    );
    this.#answer = h(
      'button',
      {
        type: 'button',
        class: 'icon-button small',
        'data-testid': 'answer',
        hidden: true,
        onclick: () => this.message && actions.answer(this.message),
      },
      icon('again'),
    );
    this.element = h(
      'li',
      { class: 'message', 'data-role': role, 'data-testid': 'message' },
      h(
        'div',
        { class: 'message-head' },
        h('span', { class: 'message-role' }, roleName(role)),
        this.#model,
        this.#time,
        this.#status,
      ),
      this.#body,
      this.#foot,
    );
    this.element.setAttribute('aria-busy', 'true');
    this.#renderText();
  }

  /** A message that is in the store. */
  static of(message: Message, actions: MessageActions): MessageView {
    const view = new MessageView(message.uid, message.role, '', actions);
    view.update(message);
    return view;
  }

  /** It is stored, though its row has not been read yet. */
  saved({ createdAt }: { createdAt: string }): void {
    if (this.message) return;
    this.#createdAt = createdAt;
    this.#mark = undefined;
    this.element.removeAttribute('aria-busy');
    this.#time.dateTime = createdAt;
    this.#time.title = inFull(createdAt);
    this.#time.textContent = timeOfDay(createdAt);
  }

  update(message: Message): void {
    if (message === this.message) return;
    this.saved(message);
    const before = this.message;
    if (!before) this.#renderFoot();
    this.message = message;
    const { content, status, model } = message;
    if (content !== this.content) {
      const said = this.content;
      this.content = content;
      const goesOn = before && content.startsWith(said) && status === 'streaming';
      if (goesOn && this.#end && !fencesAfter(said, content)) {
        this.#end.appendData(content.slice(said.length));
        if (this.#text.lang === '') this.#text.lang = languageOf(content) ?? '';
      } else {
        this.#renderText();
      }
    }
    this.element.dataset.status = status;
    const words = statusWords(message);
    this.#status.hidden = words === '';
    this.#status.textContent = words;
    this.#model.hidden = model === null;
    this.#model.textContent = model;
    this.#renderAnswer();
  }

  /** Shows which version of several it is, where there are several. */
  setPlace(place: Place | undefined): void {
    const { at, of } = place ?? { at: 1, of: 1 };
    const words = `${at}/${of}`;
    if (words === this.#shownPlace) return;
    this.#shownPlace = words;
    this.#places.hidden = of < 2;
    this.#place.textContent = words;
    this.#places.setAttribute('aria-label', t('chat.version', { at, of }));
    // Not `disabled`, which would drop the focus of whoever has stepped to the end.
    this.#steps[-1].setAttribute('aria-disabled', String(at === 1));
    this.#steps[1].setAttribute('aria-disabled', String(at === of));
  }

  /** Whether it is the last one on show: only then a question can be without an answer. */
  setLast(last: boolean): void {
    if (last === this.#last) return;
    this.#last = last;
    this.#renderAnswer();
  }

  focusStep(by: -1 | 1): void {
    this.#steps[by].focus();
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

  #renderFoot(): void {
    const edit =
      this.role === 'user' &&
      h(
        'button',
        {
          type: 'button',
          class: 'icon-button small',
          'aria-label': t('chat.edit'),
          'data-testid': 'edit',
          onclick: () => this.#edit(),
        },
        icon('pencil'),
      );
    if (edit) this.#foot.append(edit);
    this.#foot.append(this.#answer, this.#places);
  }

  #renderAnswer(): void {
    if (!this.message) return;
    const { status, parentId } = this.message;
    const isAnswer = this.role === 'assistant';
    const broken = isAnswer && (status === 'aborted' || status === 'error');
    this.#answer.hidden = isAnswer
      ? status === 'streaming' || parentId === null
      : !(this.#last && this.role === 'user');
    const label = t(isAnswer ? 'chat.answerAgain' : 'chat.answerThis');
    // Said in words where nothing else goes on from here.
    const inWords = broken || !isAnswer;
    this.#answer.className = inWords ? 'button small' : 'icon-button small';
    this.#answer.replaceChildren(icon('again'), ...(inWords ? [label] : []));
    this.#answer.setAttribute('aria-label', label);
  }

  #renderText(): void {
    const { content } = this;
    // What is still coming is shown to its end.
    const streaming = this.message?.status === 'streaming';
    const end = streaming ? content.length : shownLength(content);
    const nodes = fenced(content.slice(0, end)).map(({ code, text }) => {
      const node = new Text(text);
      return { node, element: code ? h('pre', { class: 'code', tabindex: 0 }, node) : node };
    });
    const lang = languageOf(content);
    const elements = nodes.map(({ element }) => element);
    this.#text = h('div', { class: 'message-text', dir: 'auto', lang }, ...elements);
    this.#text.dataset.testid = 'message-text';
    this.#end = end === content.length ? nodes.at(-1)?.node : undefined;
    this.#body.replaceChildren(this.#end ? this.#text : clipped(this.#text, content, end));
  }

  #edit(): void {
    const { message } = this;
    if (!message || this.#body.hidden) return;
    const form = messageEdit({
      value: message.content,
      save: (text) => this.actions.edit(message, text),
      done: (saved) => {
        form.remove();
        this.#body.hidden = false;
        this.#foot.hidden = false;
        if (!saved) this.#foot.querySelector('button')?.focus();
      },
    });
    this.#body.hidden = true;
    this.#foot.hidden = true;
    this.#body.after(form);
    const field = form.querySelector('textarea');
    field?.focus();
    field?.setSelectionRange(field.value.length, field.value.length);
  }
}

/** Whether a text that has grown begins or ends code in what is new. */
function fencesAfter(before: string, now: string): boolean {
  return now.includes('```', before.lastIndexOf('\n') + 1);
}

/** A long text, of which only the beginning is shown until the rest is asked for. */
function clipped(text: HTMLElement, content: string, end: number): HTMLElement {
  const bytes = new Blob([content]).size;
  const button = h(
    'button',
    { type: 'button', class: 'button message-more', 'data-testid': 'show-all' },
    t('chat.showWhole', { size: size(bytes) }),
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
