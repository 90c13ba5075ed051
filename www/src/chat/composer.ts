// Where one writes: the text, what goes along with it, in whose name, Send. Enter sends, Shift+Enter
// starts a new line, and a key that an input method still uses does neither. Knows no store.

import type { Role } from 'conversation-store';
import { h, isComposing } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { ROLES, roleName } from '../words.ts';
import { Attachments, type AttachmentsActions } from './attachments.ts';
import type { Draft } from './drafts.ts';

// A longer text fills the field at its tallest; measuring it with every key would take long.
const MEASURED = 10_000;

export interface ComposerActions extends Omit<AttachmentsActions, 'changed'> {
  send: (draft: Draft) => void;
  changed: (draft: Draft) => void;
  escape: () => void;
  /** Stops the answer that is being written. */
  stop?: () => void;
  /** Something was to be sent while an answer is being written. */
  tooEarly?: () => void;
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
  readonly #role = h(
    'select',
    {
      class: 'role',
      'aria-label': t('chat.writeAs'),
      'data-testid': 'role',
      onchange: () => this.#changed(),
    },
    ...ROLES.map((role) => h('option', { value: role }, roleName(role))),
  );
  readonly #file = h('input', {
    type: 'file',
    class: 'unseen',
    multiple: true,
    tabindex: -1,
    'aria-label': t('chat.attach'),
    'data-testid': 'attach-file',
  });
  readonly #where = h('p', { class: 'where', 'data-testid': 'where' });
  readonly #attachments: Attachments;
  // The text that is to be sent when the files are kept that go along, unless it is another by then.
  #waiting: string | undefined;

  constructor(
    draft: Draft,
    private readonly actions: ComposerActions,
  ) {
    this.#attachments = new Attachments({
      keep: actions.keep,
      readBlob: actions.readBlob,
      changed: () => this.#changed(),
    });
    this.element = h(
      'form',
      { class: 'composer', 'aria-label': t('chat.newMessage') },
      h(
        'div',
        { class: 'composer-box' },
        this.#attachments.element,
        this.#text,
        h(
          'div',
          { class: 'composer-foot' },
          h(
            'button',
            {
              type: 'button',
              class: 'icon-button',
              'aria-label': t('chat.attach'),
              title: t('chat.attach'),
              'data-testid': 'attach',
              onclick: () => this.#file.click(),
            },
            icon('clip'),
          ),
          this.#role,
          h('span', { class: 'hint', 'aria-hidden': 'true' }, t('chat.newLine')),
          this.#send,
          this.#stop,
        ),
      ),
      this.#where,
      this.#file,
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
    this.#text.addEventListener('paste', (event) => {
      const files = event.clipboardData?.files;
      if (!files || files.length === 0) return;
      event.preventDefault();
      this.attach(files);
    });
    this.#file.addEventListener('change', () => {
      const files = [...(this.#file.files ?? [])];
      // The file list keeps its choice by nature, so it is emptied after each.
      this.#file.value = '';
      this.attach(files);
    });
    this.fill(draft);
  }

  get draft(): Draft {
    return {
      text: this.#text.value,
      role: this.#role.value as Role,
      files: this.#attachments.all,
    };
  }

  fill({ text, role, files }: Draft): void {
    this.#text.value = text;
    this.#role.value = role;
    this.#attachments.all = files;
    this.#fit();
  }

  focus(): void {
    this.#text.focus();
  }

  /** Has files go along with what is being written. */
  attach(files: Iterable<File>): void {
    void this.#keep(files);
    this.#text.focus();
  }

  async #keep(files: Iterable<File>): Promise<void> {
    const areKept = await this.#attachments.add(files);
    if (!areKept) this.#waiting = undefined;
    const isReady = !this.#attachments.isBusy && this.element.isConnected;
    if (isReady && this.#waiting === this.#text.value) this.#submit();
  }

  /** Says where what is written goes. */
  setWhere(words: string): void {
    this.#where.textContent = words;
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

  get #isEmpty(): boolean {
    return this.#text.value.trim() === '' && this.#attachments.all.length === 0;
  }

  #changed(): void {
    this.#fit();
    this.actions.changed(this.draft);
  }

  #submit(): void {
    const { draft } = this;
    if (this.#send.hidden) {
      if (!this.#isEmpty) this.actions.tooEarly?.();
      return;
    }
    this.#waiting = this.#attachments.isBusy ? draft.text : undefined;
    if (this.#isEmpty || this.#attachments.isBusy) return;
    this.fill({ text: '', role: draft.role, files: [] });
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
    this.#send.disabled = this.#isEmpty && !this.#attachments.isBusy;
    const long = this.#text.value.length > MEASURED;
    this.#text.toggleAttribute('data-long', long);
    // The style sheet lets the field grow by itself where the browser knows how.
    if (CSS.supports('field-sizing', 'content')) return;
    this.#text.style.height = 'auto';
    if (!long) this.#text.style.height = `${this.#text.scrollHeight}px`;
  }
}
