// Shows how far an import has come, with a way to stop it, and then what came of it. Reads no file.

import type { Counts, ImportFailure, ImportProgress, ImportReport } from 'conversation-store';
import { announce } from './announce.ts';
import { h } from './dom.ts';
import { shorten } from './text.ts';
import { codeOf, detailOf, size, whyNotImported } from './words.ts';

/** More failures than these are only counted. */
const LISTED = 200;

const OUTCOMES: readonly { outcome: keyof Counts; name: string }[] = [
  { outcome: 'created', name: 'New' },
  { outcome: 'updated', name: 'Updated' },
  { outcome: 'skipped', name: 'Skipped' },
  { outcome: 'failed', name: 'Failed' },
];

const numbers = new Intl.NumberFormat('en-GB');

export class ImportDialog {
  readonly #title = h('h2', { class: 'dialog-title', dir: 'auto' });
  readonly #bar = h('progress', { class: 'import-bar', 'aria-label': 'How much has been read' });
  readonly #words = h('p', { class: 'dialog-text', 'data-testid': 'import-progress' }, 'Reading…');
  readonly #cancel: HTMLButtonElement;
  readonly #dialog: HTMLDialogElement;
  readonly #name: string;

  constructor(name: string, cancel: () => void) {
    this.#name = shorten(name, 60);
    this.#title.textContent = `Importing “${this.#name}”`;
    const stop = () => {
      this.#cancel.disabled = true;
      this.#words.textContent = 'Stopping…';
      cancel();
    };
    this.#cancel = h('button', { type: 'button', class: 'button', onclick: stop }, 'Cancel');
    this.#dialog = h(
      'dialog',
      { class: 'dialog panel', 'aria-label': 'Import', 'data-testid': 'import-dialog' },
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
    const so = `${counted(conversations, 'chat')}, ${counted(messages, 'message')}`;
    this.#words.textContent = `${size(read)} of ${size(total)} · ${so}`;
  }

  /** What came of it; with an error, what had been taken in before it. */
  report(report: ImportReport | undefined, error?: unknown): void {
    const stopped = error !== undefined && codeOf(error) === 'aborted';
    const title =
      error === undefined
        ? report && report.failures.length > 0
          ? 'Imported, with some left out'
          : 'Imported'
        : stopped
          ? 'The import was stopped'
          : 'The import did not work';
    this.#title.textContent = title;
    const why =
      error === undefined
        ? undefined
        : stopped
          ? 'What had been read before is kept. Import the file again to go on.'
          : whyNotImported(error);
    const close = h(
      'button',
      { type: 'button', class: 'button button-main', onclick: () => this.#dialog.close() },
      'Close',
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
    const chats = report ? `: ${counted(report.conversations.created, 'new chat')}` : '';
    announce(`${title}${chats}`);
  }
}

function table({ conversations, messages }: ImportReport): HTMLElement {
  const row = (name: string, counts: Counts) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      ...OUTCOMES.map(({ outcome }) =>
        h('td', { 'data-outcome': outcome }, numbers.format(counts[outcome])),
      ),
    );
  return h(
    'table',
    { class: 'report', 'data-testid': 'import-report' },
    h(
      'thead',
      {},
      h('tr', {}, h('td', {}), ...OUTCOMES.map(({ name }) => h('th', { scope: 'col' }, name))),
    ),
    h('tbody', {}, row('Chats', conversations), row('Messages', messages)),
  );
}

function failures(all: readonly ImportFailure[]): Node[] {
  if (all.length === 0) return [];
  const more = all.length - LISTED;
  return [
    h('h3', { class: 'report-title' }, 'What was left out'),
    h(
      'ul',
      {
        class: 'failures',
        tabindex: 0,
        'aria-label': 'What was left out',
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
      more > 0 && h('li', {}, `and ${numbers.format(more)} more`),
    ),
  ];
}

function whereOf({ file, offset }: NonNullable<ImportFailure['at']>): string {
  const byte = offset === undefined ? undefined : `byte ${numbers.format(offset)}`;
  return [file, byte].filter((word) => word !== undefined).join(', ');
}

function counted(count: number, one: string): string {
  return `${numbers.format(count)} ${one}${count === 1 ? '' : 's'}`;
}
