// Shows how far an import has come, with a way to stop it, and then what came of it and a way to take it
// back. It is beside the page, not above it: what has been read can be looked at meanwhile. Reads no file.

import type { Counts, ImportFailure, ImportProgress, ImportReport } from 'conversation-store';
import { announce } from '../announce.ts';
import { h } from '../dom.ts';
import { number, type TextKey, t } from '../i18n/index.ts';
import { shorten } from '../text.ts';
import { codeOf, detailOf, size, whyNotImported } from '../words.ts';
import './import.css';

/** More failures than these are only counted. */
const LISTED = 200;

const OUTCOMES = [
  { outcome: 'created', name: 'transfer.new' },
  { outcome: 'updated', name: 'transfer.updated' },
  { outcome: 'skipped', name: 'transfer.skipped' },
  { outcome: 'failed', name: 'transfer.notTaken' },
] as const satisfies readonly { outcome: keyof Counts; name: TextKey }[];

const KINDS = {
  conversation: 'transfer.chat',
  message: 'chat.message',
  file: 'chat.file',
} as const satisfies Record<ImportFailure['kind'], TextKey>;

export class ImportDialog {
  readonly #title = h('h2', { class: 'dialog-title', dir: 'auto' });
  readonly #bar = h('progress', { class: 'import-bar', 'aria-label': t('transfer.progress') });
  readonly #words = h(
    'p',
    { class: 'dialog-text', 'data-testid': 'import-progress' },
    t('transfer.reading'),
  );
  readonly #cancel: HTMLButtonElement;
  readonly #dialog: HTMLDialogElement;
  readonly #name: string;

  constructor(
    name: string,
    cancel: () => void,
    private readonly refuge: () => void,
  ) {
    this.#name = shorten(name, 60);
    this.#title.textContent = t('transfer.importing', { name: this.#name });
    const stop = () => {
      this.#cancel.disabled = true;
      this.#words.textContent = t('transfer.stopping');
      cancel();
    };
    this.#cancel = h(
      'button',
      { type: 'button', class: 'button', onclick: stop },
      t('common.cancel'),
    );
    this.#dialog = h(
      'dialog',
      {
        class: 'dialog import-card',
        'aria-label': t('transfer.dialog'),
        'data-testid': 'import-dialog',
      },
      this.#title,
      this.#bar,
      this.#words,
      h('div', { class: 'dialog-actions' }, this.#cancel),
    );
    // Escape within it stops the import; it stays and says what there is of it, and then closes.
    this.#dialog.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      event.stopPropagation();
      if (!this.#cancel.isConnected) this.#dialog.close();
      else if (!this.#cancel.disabled) stop();
    });
    this.#dialog.addEventListener('close', () => {
      const hadFocus = this.#dialog.contains(document.activeElement);
      this.#dialog.remove();
      if (hadFocus || document.activeElement === document.body) this.refuge();
    });
    document.body.append(this.#dialog);
    this.#dialog.show();
  }

  progress({ read, total, conversations, messages }: ImportProgress): void {
    if (total > 0) {
      this.#bar.max = total;
      this.#bar.value = read;
    }
    if (this.#cancel.disabled) return;
    this.#words.textContent = t('transfer.soFar', {
      read: size(read),
      total: size(total),
      chats: t('common.chats', { count: conversations }),
      messages: t('common.messages', { count: messages }),
    });
  }

  /**
   * What came of it; with an error, what had been taken in before it.
   *
   * @param undo Takes back what was new.
   */
  report(report: ImportReport | undefined, error?: unknown, undo?: () => Promise<void>): void {
    const { activeElement } = document;
    const had = this.#dialog.contains(activeElement) || activeElement === document.body;
    const stopped = error !== undefined && codeOf(error) === 'aborted';
    const title =
      error === undefined
        ? report && report.failures.length > 0
          ? t('transfer.doneWithout')
          : t('transfer.done')
        : stopped
          ? t('transfer.stopped')
          : t('transfer.failed');
    this.#title.textContent = title;
    const why =
      error === undefined ? undefined : stopped ? t('transfer.keptSoFar') : whyNotImported(error);
    const close = h(
      'button',
      {
        type: 'button',
        class: 'button button-main',
        'data-testid': 'import-close',
        onclick: () => this.#dialog.close(),
      },
      t('common.close'),
    );
    this.#dialog.replaceChildren(
      this.#title,
      h('p', { class: 'dialog-text', dir: 'auto' }, `“${this.#name}”`),
      ...(why
        ? [h('p', { class: 'dialog-text', role: 'alert', title: detailOf(error) }, why)]
        : []),
      ...(report ? [table(report), ...failures(report.failures)] : []),
      h('div', { class: 'dialog-actions' }, undo && this.#undoButton(undo), close),
    );
    this.#dialog.dataset.state = 'done';
    // Who writes or reads somewhere else goes on there.
    if (had) close.focus();
    const chats = report && t('transfer.newChats', { count: report.conversations.created });
    announce(chats ? t('transfer.announced', { title, chats }) : title);
  }

  #undoButton(undo: () => Promise<void>): HTMLButtonElement {
    const button = h('button', { type: 'button', class: 'button' }, t('transfer.undo'));
    button.dataset.testid = 'import-undo';
    button.addEventListener('click', () => {
      button.disabled = true;
      this.#dialog.setAttribute('aria-busy', 'true');
      void undo().then(() => this.#dialog.close());
    });
    return button;
  }
}

function table({ conversations, messages }: ImportReport): HTMLElement {
  const row = (name: string, counts: Counts) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      ...OUTCOMES.map(({ outcome }) =>
        h('td', { 'data-outcome': outcome }, number(counts[outcome])),
      ),
    );
  return h(
    'table',
    { class: 'report', 'data-testid': 'import-report' },
    h(
      'thead',
      {},
      h('tr', {}, h('td', {}), ...OUTCOMES.map(({ name }) => h('th', { scope: 'col' }, t(name)))),
    ),
    h('tbody', {}, row(t('transfer.chats'), conversations), row(t('transfer.messages'), messages)),
  );
}

function failures(all: readonly ImportFailure[]): Node[] {
  if (all.length === 0) return [];
  const more = all.length - LISTED;
  return [
    h('h3', { class: 'report-title' }, t('transfer.leftOut')),
    h(
      'ul',
      {
        class: 'failures',
        tabindex: 0,
        'aria-label': t('transfer.leftOut'),
        'data-testid': 'failures',
      },
      ...all
        .slice(0, LISTED)
        .map(({ kind, id, code, message, at }) =>
          h(
            'li',
            { title: code },
            h(
              'span',
              { class: 'failure-what', dir: 'auto' },
              [t(KINDS[kind]), id].filter(Boolean).join(' '),
            ),
            h('span', { dir: 'auto' }, message),
            at !== undefined && h('span', { class: 'failure-at', dir: 'auto' }, whereOf(at)),
          ),
        ),
      more > 0 && h('li', {}, t('transfer.more', { count: more })),
    ),
  ];
}

function whereOf({ file, offset }: NonNullable<ImportFailure['at']>): string {
  const byte = offset === undefined ? undefined : t('transfer.byte', { at: number(offset) });
  return [file, byte].filter((word) => word !== undefined).join(', ');
}
