// Short notes at the edge of the page, some with an Undo. Knows nothing of chats.

import { announce } from './announce.ts';
import { h } from './dom.ts';
import { t } from './i18n/index.ts';
import { icon } from './icons.ts';
import { go, type ProblemKind } from './route.ts';
import { because, codeOf } from './words.ts';

const SECONDS = 8;
const MOST = 3;

export interface ToastOptions {
  kind?: 'note' | 'error';
  /** Stays until it is dismissed, as errors do. */
  stays?: boolean;
  undo?: () => void;
  /** Something else that can be done about it. */
  action?: { label: string; run: () => void };
}

export class Toast {
  readonly element: HTMLElement;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(
    text: string,
    private readonly options: ToastOptions,
    private readonly onGone: (toast: Toast, hadFocus: boolean) => void,
  ) {
    const { undo, action, kind = 'note', stays = kind === 'error' } = options;
    this.element = h(
      'li',
      { class: 'toast', 'data-kind': kind, 'data-testid': 'toast' },
      h('span', { class: 'toast-text', dir: 'auto' }, text),
      undo &&
        h(
          'button',
          {
            type: 'button',
            class: 'button button-quiet',
            'aria-keyshortcuts': 'Control+Z',
            onclick: () => this.undo(),
          },
          t('common.undo'),
        ),
      action &&
        h(
          'button',
          {
            type: 'button',
            class: 'button button-quiet',
            'data-testid': 'toast-action',
            onclick: () => {
              this.close();
              action.run();
            },
          },
          action.label,
        ),
      h(
        'button',
        {
          type: 'button',
          class: 'icon-button',
          'aria-label': t('common.dismiss'),
          onclick: () => void this.close(),
        },
        icon('close'),
      ),
    );
    // A note does not vanish under the pointer or the focus; an error waits to be dismissed.
    if (!stays) {
      this.element.addEventListener('pointerenter', () => this.#hold());
      this.element.addEventListener('pointerleave', () => this.#run());
      this.element.addEventListener('focusin', () => this.#hold());
      this.element.addEventListener('focusout', () => this.#run());
      this.#run();
    }
  }

  get canUndo(): boolean {
    return this.options.undo !== undefined;
  }

  undo(): void {
    if (this.close()) this.options.undo?.();
  }

  /** Takes the toast away, and what it can undo with it. False if it was gone already. */
  close(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#hold();
    const hadFocus = this.element.contains(document.activeElement);
    this.element.remove();
    this.onGone(this, hadFocus);
    return true;
  }

  #hold(): void {
    clearTimeout(this.#timer);
  }

  #run(): void {
    this.#hold();
    if (this.#ended || this.element.matches(':focus-within')) return;
    this.#timer = setTimeout(() => this.close(), SECONDS * 1_000);
  }
}

export class Toasts {
  readonly element: HTMLElement;
  readonly #list: HTMLOListElement;
  #shown: Toast[] = [];

  /**
   * @param refuge Takes the focus when the toast that had it is gone.
   * @param outdated Says it for the whole page.
   */
  constructor(
    private readonly refuge: () => void,
    private readonly outdated: () => void,
  ) {
    this.#list = h('ol', { class: 'toast-list' });
    this.element = h(
      'section',
      { class: 'toasts', 'aria-label': t('app.notifications') },
      this.#list,
    );
  }

  show(text: string, options: ToastOptions = {}): Toast {
    const toast = new Toast(text, options, (gone, hadFocus) => {
      this.#shown = this.#shown.filter((shown) => shown !== gone);
      if (hadFocus) this.refuge();
    });
    this.#shown.push(toast);
    this.#list.append(toast.element);
    if (this.#shown.length > MOST) this.#shown[0]?.close();
    announce(
      options.undo ? t('common.undoByKey', { text }) : text,
      options.kind === 'error' ? 'urgent' : 'polite',
    );
    return toast;
  }

  /** Says what did not work, and why: “Not saved: …”. */
  fail(what: string, error: unknown, then = ''): void {
    // Nothing works then until the page is reloaded: said once.
    if (codeOf(error) === 'outdated') this.outdated();
    else {
      const kind = pageOf(error);
      const action = kind && {
        label: t('problems.whatToDo'),
        run: () => go({ view: 'problem', kind }),
      };
      const text = t('common.failed', { what, why: because(error) }) + then;
      this.show(text, { kind: 'error', ...(action && { action }) });
    }
  }

  /** Undoes what the newest toast on show can undo, if any can. */
  undoNewest(): void {
    this.#shown.findLast((toast) => toast.canUndo)?.undo();
  }
}

/** What is worth a page of its own. */
function pageOf(error: unknown): ProblemKind | undefined {
  const code = codeOf(error);
  if (code === 'quota-exceeded') return 'full';
  return code === 'corrupt' ? 'corrupt' : undefined;
}
