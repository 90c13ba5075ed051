// One message as it is shown, growing while it comes. Knows no store.

import type { Message, MessagePart, Role } from 'conversation-store';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { languageOf } from '../text.ts';
import { dayKey, dayName, inFull, timeOfDay } from '../times.ts';
import { roleName, statusWords } from '../words.ts';
import type { Place } from './branches.ts';
import { MessageFoot } from './message-foot.ts';
import { kindOf, type PartKind, type PartView, partView } from './parts/part.ts';

export interface MessageActions {
  /** Shows the version before (-1) or after (1) this one. */
  step: (view: MessageView, by: -1 | 1) => void;
  /** Says something else in its place. False keeps the field open. */
  edit: (message: Message, text: string) => Promise<boolean>;
  /** Answers it; an answer's question, once more. */
  answer: (message: Message) => void;
  /** Goes on with an answer that broke off. */
  resume: (message: Message) => void;
  /** Begins another chat that is the same up to here. */
  fork: (message: Message) => void;
  /** Reads an attachment. */
  readBlob: (ref: string) => Promise<Blob | undefined>;
}

export class MessageView {
  readonly element: HTMLLIElement;
  /** The row it shows; undefined while it is on its way into the store. */
  message: Message | undefined;
  readonly #text = h('div', { class: 'message-text', 'data-testid': 'message-text' });
  readonly #body = h('div', { class: 'message-body' }, this.#text);
  readonly #time = h('time', { class: 'message-time' }, t('chat.saving'));
  readonly #model = h('span', { class: 'message-model', dir: 'auto', hidden: true });
  readonly #status = h('span', {
    class: 'message-status',
    hidden: true,
    'data-testid': 'message-status',
  });
  readonly #foot: MessageFoot;
  #createdAt = new Date().toISOString();
  #mark: HTMLElement | undefined;
  #parts: { kind: PartKind; view: PartView | undefined }[] = [];
  #failure: HTMLElement | undefined;

  constructor(
    readonly uid: string,
    readonly role: Role,
    content: string,
    private readonly actions: MessageActions,
    parts: readonly MessagePart[] = [{ type: 'text', text: content }],
  ) {
    this.#foot = new MessageFoot(role, {
      step: (by) => actions.step(this, by),
      edit: () => this.#edit(),
      answer: actions.answer,
      resume: actions.resume,
      fork: actions.fork,
    });
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
      this.#foot.element,
    );
    this.element.setAttribute('aria-busy', 'true');
    this.#renderParts(parts, content, false);
  }

  /** A message that is in the store. */
  static of(message: Message, actions: MessageActions): MessageView {
    const view = new MessageView(message.uid, message.role, '', actions, []);
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
    this.message = message;
    const { parts, content, status, model } = message;
    this.#renderParts(parts, content, status === 'streaming');
    this.element.dataset.status = status;
    const words = statusWords(message);
    this.#status.hidden = words === '';
    this.#status.textContent = words;
    this.#model.hidden = model === null;
    this.#model.textContent = model;
    void this.#renderFailure(message);
    this.#foot.update(message);
  }

  /** Shows which version of several it is, where there are several. */
  setPlace(place: Place | undefined): void {
    this.#foot.setPlace(place);
  }

  /** Whether it is the last one on show. */
  setLast(last: boolean): void {
    this.#foot.setLast(last);
  }

  focusStep(by: -1 | 1): void {
    this.#foot.focusStep(by);
  }

  /** When it was said, as far as is known. */
  get createdAt(): string {
    return this.#createdAt;
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

  /** Each part by its view; only what has changed is made anew. */
  #renderParts(parts: readonly MessagePart[], content: string, streaming: boolean): void {
    for (const [at, part] of parts.entries()) {
      const kind = kindOf(part, this.role);
      const growing = streaming && at === parts.length - 1;
      const known = this.#parts[at];
      if (known?.kind === kind) {
        known.view?.update(part, growing);
        continue;
      }
      const context = { role: this.role, readBlob: this.actions.readBlob };
      const view = kind === 'nothing' ? undefined : partView(kind, part, growing, context);
      known?.view?.element.remove();
      this.#parts[at] = { kind, view };
      if (view) {
        const next = this.#parts.slice(at + 1).find((each) => each.view)?.view?.element;
        this.#text.insertBefore(view.element, next ?? null);
      }
    }
    for (const { view } of this.#parts.splice(parts.length)) view?.element.remove();
    this.#text.lang = languageOf(content) ?? '';
  }

  async #renderFailure(message: Message): Promise<void> {
    this.#failure?.remove();
    this.#failure = undefined;
    if (message.status !== 'error') return;
    const { failureNote } = await import('./failure-note.ts');
    // What is shown since has its own.
    if (message !== this.message) return;
    this.#failure = failureNote(message.error);
    if (this.#failure) this.#body.append(this.#failure);
  }

  async #edit(): Promise<void> {
    const { messageEdit } = await import('./message-edit.ts');
    const { message } = this;
    if (!message || this.#body.hidden) return;
    const form = messageEdit({
      value: message.content,
      save: (text) => this.actions.edit(message, text),
      done: (saved) => {
        form.remove();
        this.#body.hidden = false;
        this.#foot.element.hidden = false;
        if (!saved) this.#foot.focusEdit();
      },
    });
    this.#body.hidden = true;
    this.#foot.element.hidden = true;
    this.#body.after(form);
    const field = form.querySelector('textarea');
    field?.focus();
    field?.setSelectionRange(field.value.length, field.value.length);
  }
}
