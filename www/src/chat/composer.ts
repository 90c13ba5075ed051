// Where one writes: the role, the text, Send. Enter sends, Shift+Enter starts a new line, and a
// key that an input method still uses does neither. Knows no store.

import type { Role } from 'conversation-store';
import { h, isComposing } from '../dom.ts';
import type { Draft } from './drafts.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { ROLES, roleName } from '../words.ts';

// A longer text fills the field at its tallest; measuring it with every key would take long.
const MEASURED = 10_000;

export interface ComposerActions {
  send: (draft: Draft) => void;
  changed: (draft: Draft) => void;
  escape: () => void;
  /** Stops the answer that is being written. */
  stop?: () => void;
}

export class Composer {
  readonly element: HTMLFormElement;
  readonly #text = h('textarea', {
    class: 'composer-text',
    rows: 1,
    dir: 'auto',
    'aria-label': t('chat.message'),
    placeholder: t('chat.write'),
    enterkeyhint: 'send',
    'data-testid': 'composer',
  });
  readonly #send = h(
    'button',
    {
      type: 'submit',
      class: 'icon-button send',
      'aria-label': t('chat.send'),
      'data-testid': 'send',
    },
    icon('send'),
  );
  readonly #stop = h(
    'button',
    {
      type: 'button',
      class: 'icon-button send stop',
      'aria-label': t('chat.stop'),
      'data-testid': 'stop',
      hidden: true,
      onclick: () => this.actions.stop?.(),
    },
    icon('stop'),
  );
  readonly #radios: HTMLInputElement[];

  constructor(
    draft: Draft,
    private readonly actions: ComposerActions,
  ) {
    this.#radios = ROLES.map((role) =>
      h('input', {
        type: 'radio',
        name: 'role',
        value: role,
        class: 'unseen',
        onchange: () => actions.changed(this.draft),
      }),
    );
    const roles = h(
      'fieldset',
      { class: 'roles', 'data-testid': 'roles' },
      h('legend', { class: 'unseen' }, t('chat.writeAs')),
      ...this.#radios.map((radio, index) =>
        h('label', { class: 'role' }, radio, h('span', {}, roleName(ROLES[index] ?? 'user'))),
      ),
    );
    this.element = h(
      'form',
      { class: 'composer', 'aria-label': t('chat.newMessage') },
      h(
        'div',
        { class: 'composer-box' },
        this.#text,
        h(
          'div',
          { class: 'composer-foot' },
          roles,
          h('span', { class: 'hint', 'aria-hidden': 'true' }, t('chat.newLine')),
          this.#send,
          this.#stop,
        ),
      ),
    );
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#text.addEventListener('input', () => {
      this.#fit();
      actions.changed(this.draft);
    });
    this.#text.addEventListener('keydown', (event) => this.#onKey(event));
    this.fill(draft);
  }

  get draft(): Draft {
    const role = this.#radios.find((radio) => radio.checked)?.value ?? 'user';
    return { text: this.#text.value, role: role as Role };
  }

  fill({ text, role }: Draft): void {
    this.#text.value = text;
    for (const radio of this.#radios) radio.checked = radio.value === role;
    this.#fit();
  }

  focus(): void {
    this.#text.focus();
  }

  /** While an answer is being written, it can be stopped, and nothing sent. */
  setWriting(writing: boolean): void {
    const hadFocus = document.activeElement === this.#stop;
    this.#stop.hidden = !writing;
    this.#send.hidden = writing;
    if (hadFocus && !writing) this.#text.focus();
  }

  /** To be called once the composer is in the page and can be measured. */
  shown(): void {
    this.#fit();
  }

  #submit(): void {
    const { draft } = this;
    if (draft.text.trim() === '' || this.#send.hidden) return;
    this.fill({ text: '', role: draft.role });
    this.actions.changed(this.draft);
    this.actions.send(draft);
    this.#text.focus();
  }

  #onKey(event: KeyboardEvent): void {
    if (isComposing(event)) return;
    if (event.key === 'Enter' && !event.shiftKey && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      this.actions.escape();
    }
  }

  #fit(): void {
    this.#send.disabled = this.#text.value.trim() === '';
    const long = this.#text.value.length > MEASURED;
    this.#text.toggleAttribute('data-long', long);
    // The style sheet lets the field grow by itself where the browser knows how.
    if (CSS.supports('field-sizing', 'content')) return;
    this.#text.style.height = 'auto';
    if (!long) this.#text.style.height = `${this.#text.scrollHeight}px`;
  }
}
