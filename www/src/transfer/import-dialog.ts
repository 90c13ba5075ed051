// Shows how far an import has come, with a way to stop it, and then what came of it. Reads no file.

import type { Counts, ImportFailure, ImportProgress, ImportReport } from 'conversation-store';
import { announce } from '../announce.ts';
import { h } from '../dom.ts';
import { number, type TextKey, t } from '../i18n/index.ts';
import { shorten } from '../text.ts';
import { codeOf, detailOf, size, whyNotImported } from '../words.ts';

/** More failures than these are only counted. */
const LISTED = 200;

const OUTCOMES = [
  { outcome: 'created', name: 'transfer.new' },
  { outcome: 'updated', name: 'transfer.updated' },
  { outcome: 'skipped', name: 'transfer.skipped' },
  { outcome: 'failed', name: 'transfer.notTaken' },
] as const satisfies readonly { outcome: keyof Counts; name: TextKey }[];

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

  constructor(name: string, cancel: () => void) {
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
      { class: 'dialog panel', 'aria-label': t('transfer.dialog'), 'data-testid': 'import-dialog' },
      this.#title,
      this.#bar,
      this.#words,
      h('div', { class: 'dialog-actions' }, this.#cancel),
    );
    // Escape stops the import; the dialog stays and says what there is of it.
    this.#dialog.addEventListener('cancel', (event) => {
      if (!this.#cancel.isConnected) return;
      event.preventDefault();
      if (!this.#cancel.disabled) stop();
    });
    this.#dialog.addEventListener('close', () => this.#dialog.remove());
    document.body.append(this.#dialog);
    this.#dialog.showModal();
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

  /** What came of it; with an error, what had been taken in before it. */
  report(report: ImportReport | undefined, error?: unknown): void {
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
      { type: 'button', class: 'button button-main', onclick: () => this.#dialog.close() },
      t('common.close'),
    );
    this.#dialog.replaceChildren(
      this.#title,
      h('p', { class: 'dialog-text', dir: 'auto' }, `“${this.#name}”`),
      ...(why
        ? [h('p', { class: 'dialog-text', role: 'alert', title: detailOf(error) }, why)]
        : []),
      ...(report ? [table(report), ...failures(report.failures)] : []),
      h('div', { class: 'dialog-actions' }, close),
    );
    this.#dialog.dataset.state = 'done';
    close.focus();
    const chats = report && t('transfer.newChats', { count: report.conversations.created });
    announce(chats ? t('transfer.announced', { title, chats }) : title);
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
            h('span', { class: 'failure-what', dir: 'auto' }, [kind, id].filter(Boolean).join(' ')),
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
