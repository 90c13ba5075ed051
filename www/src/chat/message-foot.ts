// What one can do with a message: copy it, say it anew, have it answered again or go on, begin another
// chat from it, and step among its versions; and what it cost. Knows no store.

import type { Message, Role } from 'conversation-store';
import { h } from '../dom.ts';
import { number, t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import type { Place } from './branches.ts';
import { copyWith } from './copy.ts';

export interface FootActions {
  step: (by: -1 | 1) => void;
  edit: () => void;
  answer: (message: Message) => void;
  resume: (message: Message) => void;
  fork: (message: Message) => void;
}

type Name = Parameters<typeof icon>[0];

export class MessageFoot {
  readonly element = h('div', { class: 'message-foot' });
  readonly #place = h('span', { class: 'place-words', 'data-testid': 'place' });
  readonly #steps: Record<-1 | 1, HTMLButtonElement>;
  readonly #places: HTMLElement;
  readonly #copy: HTMLButtonElement;
  readonly #edit: HTMLButtonElement;
  readonly #answer: HTMLButtonElement;
  readonly #resume: HTMLButtonElement;
  readonly #fork: HTMLButtonElement;
  readonly #tokens = h('span', { class: 'tokens', hidden: true, 'data-testid': 'tokens' });
  #message: Message | undefined;
  #last = false;
  #shownPlace = '';

  constructor(
    private readonly role: Role,
    actions: FootActions,
  ) {
    const button = (name: string, label: string, picture: Name, run: () => void) =>
      h(
        'button',
        {
          type: 'button',
          class: 'icon-button small',
          'aria-label': label,
          title: label,
          'data-testid': name,
          onclick: run,
        },
        icon(picture),
      );
    const withMessage = (run: (message: Message) => void) => () => {
      if (this.#message) run(this.#message);
    };
    this.#copy = button('copy', t('chat.copy'), 'copy', () =>
      copyWith(this.#copy, this.#message?.content ?? ''),
    );
    this.#edit = button('edit', t('chat.edit'), 'pencil', actions.edit);
    this.#answer = button('answer', t('chat.answerAgain'), 'again', withMessage(actions.answer));
    this.#resume = button('resume', t('chat.resume'), 'resume', withMessage(actions.resume));
    this.#fork = button('fork', t('chat.fork'), 'fork', withMessage(actions.fork));
    this.#steps = {
      [-1]: button('previous', t('chat.previousVersion'), 'back', () => actions.step(-1)),
      1: button('following', t('chat.nextVersion'), 'next', () => actions.step(1)),
    };
    this.#places = h(
      'div',
      { class: 'places', role: 'group', 'aria-label': t('chat.versions'), hidden: true },
      this.#steps[-1],
      this.#place,
      this.#steps[1],
    );
  }

  update(message: Message): void {
    if (!this.#message) {
      const edit = this.role === 'user' ? [this.#edit] : [];
      const { element } = this;
      element.append(this.#resume, this.#answer, this.#copy, ...edit, this.#fork, this.#places);
      element.append(this.#tokens);
    }
    this.#message = message;
    this.#copy.hidden = message.content === '';
    this.#fork.hidden = message.status === 'streaming';
    this.#renderTokens();
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

  focusEdit(): void {
    this.#edit.focus();
  }

  #renderAnswer(): void {
    if (!this.#message) return;
    const { status, parentId, finishReason, content } = this.#message;
    const isAnswer = this.role === 'assistant';
    const broken = isAnswer && (status === 'aborted' || status === 'error');
    this.#answer.hidden = isAnswer
      ? status === 'streaming' || parentId === null
      : !(this.#last && this.role === 'user');
    const label = isAnswer
      ? t(status === 'error' ? 'common.tryAgain' : 'chat.answerAgain')
      : t('chat.answerThis');
    // Said in words where nothing else goes on from here.
    show(this.#answer, 'again', label, broken || !isAnswer);
    const cut = broken || (isAnswer && finishReason === 'length');
    this.#resume.hidden = !(cut && this.#last && parentId !== null && content !== '');
    show(this.#resume, 'resume', t('chat.resume'), true);
  }

  #renderTokens(): void {
    const { inputTokens, outputTokens } = this.#message?.usage ?? {};
    const known = [inputTokens, outputTokens].filter((each) => typeof each === 'number');
    this.#tokens.hidden = known.length === 0;
    if (known.length === 0) return;
    this.#tokens.textContent = t('chat.tokens', {
      count: known.reduce((sum, each) => sum + each, 0),
    });
    this.#tokens.title = t('chat.tokensOf', {
      input: number(inputTokens ?? 0),
      output: number(outputTokens ?? 0),
    });
  }
}

function show(button: HTMLButtonElement, name: Name, label: string, inWords: boolean): void {
  button.className = inWords ? 'button small' : 'icon-button small';
  button.replaceChildren(icon(name), ...(inWords ? [label] : []));
  button.setAttribute('aria-label', label);
  button.title = inWords ? '' : label;
}
