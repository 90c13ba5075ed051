// Where the chats are and how they are kept, in people's words; backup and restore.

import type { ConversationStore, StoreStatus } from 'conversation-store';
import { ask, makeDialog } from './dialog.ts';
import { arrange, h } from './dom.ts';
import { download, today } from './download.ts';
import { icon } from './icons.ts';
import { reloadButton } from './outdated.ts';
import type { Toasts } from './toasts.ts';
import { because, codeOf, detailOf, size } from './words.ts';

export interface StoragePanelActions {
  /** Shown below the backup. */
  section: HTMLElement;
  restored: () => void;
  status: (status: StoreStatus) => void;
}

/** One line for the sidebar. */
export function storageWords(status: StoreStatus): string {
  if (status.storage === 'memory') return 'Not stored: gone with this tab';
  return status.persisted ? 'Kept on this device' : 'Stored on this device';
}

export class StoragePanel {
  readonly #dialog: HTMLDialogElement;
  readonly #facts = h('div', { class: 'facts', 'data-testid': 'storage-facts' });
  readonly #list = h('dl', { class: 'fact-list' });
  readonly #technical = h('dl', { class: 'fact-list fact-list-small' });
  readonly #details = h(
    'details',
    { class: 'technical panel-technical' },
    h('summary', {}, 'Technical details'),
    this.#technical,
  );
  readonly #keep = h(
    'button',
    { type: 'button', class: 'button', 'data-testid': 'keep', onclick: () => void this.#onKeep() },
    'Keep it',
  );
  readonly #reload = reloadButton();
  readonly #outcome = h('p', { class: 'outcome', role: 'alert', 'data-testid': 'outcome' });
  readonly #backup = h('button', { type: 'button', class: 'button' }, 'Download a backup');
  readonly #restore = h('button', { type: 'button', class: 'button' }, 'Restore from a file…');
  // The file list keeps its choice by nature, so it is emptied after each.
  readonly #file = h('input', {
    type: 'file',
    class: 'unseen',
    tabindex: -1,
    'aria-label': 'Backup file',
    'data-testid': 'restore-file',
  });

  constructor(
    private readonly store: ConversationStore,
    private readonly toasts: Toasts,
    private readonly actions: StoragePanelActions,
  ) {
    this.#backup.dataset.testid = 'backup';
    this.#restore.dataset.testid = 'restore';
    this.#backup.addEventListener('click', () => void this.#onBackup());
    this.#restore.addEventListener('click', () => this.#file.click());
    this.#file.addEventListener('change', () => void this.#onFile());
    this.#dialog = makeDialog(
      'Storage',
      h(
        'div',
        { class: 'dialog-head' },
        h('h2', { class: 'dialog-title' }, 'Storage'),
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button',
            'aria-label': 'Close',
            onclick: () => this.#dialog.close(),
          },
          icon('close'),
        ),
      ),
      this.#facts,
      h('h3', { class: 'dialog-subtitle' }, 'Backup'),
      h(
        'p',
        { class: 'dialog-text' },
        'A backup is a file of your own with all chats in it. It outlives this browser, and clearing this site’s data does not touch it.',
      ),
      h('div', { class: 'dialog-actions dialog-actions-start' }, this.#backup, this.#restore),
      this.#file,
      this.#outcome,
      actions.section,
    );
    this.#dialog.classList.add('panel');
    this.#dialog.dataset.testid = 'storage-panel';
    document.body.append(this.#dialog);
    store.addEventListener('status', ({ detail }) => this.#show(detail));
  }

  async open(): Promise<void> {
    this.#outcome.textContent = '';
    this.#dialog.showModal();
    await this.refresh();
  }

  /** Reads how things stand, also for the sidebar. */
  async refresh(): Promise<void> {
    try {
      this.#show(await this.store.status());
    } catch (error) {
      this.#facts.replaceChildren(
        h(
          'p',
          { class: 'dialog-text' },
          `How the chats are stored could not be read: ${because(error)}`,
        ),
      );
    }
  }

  #show(status: StoreStatus): void {
    this.actions.status(status);
    const focused = document.activeElement;
    this.#list.replaceChildren(...described(facts(status, this.#keep, this.#reload)));
    this.#technical.replaceChildren(...described(technical(status)));
    arrange(this.#facts, [this.#list, this.#details]);
    // Put in anew, a button loses the focus.
    if (focused instanceof HTMLElement && this.#facts.contains(focused)) focused.focus();
  }

  async #onKeep(): Promise<void> {
    try {
      const kept = await this.store.persist();
      await this.refresh();
      this.#outcome.dataset.kind = kept ? 'good' : 'note';
      this.#outcome.textContent = kept
        ? 'The browser will keep your chats until you delete them.'
        : 'The browser did not agree yet. It tends to once a page is bookmarked, installed or used often. A backup is safe meanwhile.';
    } catch (error) {
      this.#fail(`The browser could not be asked: ${because(error)}`, error);
    }
  }

  async #onBackup(): Promise<void> {
    await this.#whileBusy(async () => {
      try {
        const file = await this.store.backup();
        download(file, `chats-${today()}.sqlite3`);
        this.#outcome.dataset.kind = 'good';
        this.#outcome.textContent = `The backup (${size(file.size)}) is in your downloads.`;
      } catch (error) {
        this.#fail(`No backup was made: ${because(error)}`, error);
      }
    });
  }

  async #onFile(): Promise<void> {
    const file = this.#file.files?.[0];
    this.#file.value = '';
    if (!file) return;
    this.#outcome.textContent = '';
    const yes = await ask({
      title: 'Replace all chats?',
      text: `The chats on this device will be replaced by those in “${file.name}” (${size(file.size)}). What is here now will be gone, unless you download a backup of it first.`,
      yes: 'Replace all',
    });
    if (!yes) return;
    await this.#whileBusy(async () => {
      try {
        await this.store.restore(file);
        this.#dialog.close();
        this.toasts.show(`The chats from “${file.name}” are here now`);
        this.actions.restored();
        await this.refresh();
      } catch (error) {
        this.#fail(`${whyNotRestored(error)} Your chats are as they were.`, error);
      }
    });
  }

  async #whileBusy(work: () => Promise<void>): Promise<void> {
    this.#outcome.textContent = '';
    this.#outcome.removeAttribute('title');
    this.#dialog.setAttribute('aria-busy', 'true');
    this.#backup.disabled = true;
    this.#restore.disabled = true;
    await work();
    this.#dialog.removeAttribute('aria-busy');
    this.#backup.disabled = false;
    this.#restore.disabled = false;
  }

  #fail(text: string, error: unknown): void {
    this.#outcome.dataset.kind = 'bad';
    this.#outcome.textContent = text;
    this.#outcome.title = detailOf(error);
  }
}

function whyNotRestored(error: unknown): string {
  switch (codeOf(error)) {
    case 'not-a-database':
      return 'This file is not a backup of chats: it is no database.';
    case 'unsupported-format':
      return 'This file is a database, but of something other than chats.';
    case 'corrupt':
      return 'This file is damaged and cannot be read.';
    case 'schema-too-new':
      return 'This file was made by a newer version of this page. Reload the page, then try again.';
    case 'quota-exceeded':
      return 'There is no space left for the chats in this file.';
    default:
      return `The file could not be restored: ${because(error)}`;
  }
}

function facts(status: StoreStatus, keep: HTMLElement, reload: HTMLElement): [string, Node][] {
  const where = {
    opfs: 'On this device, in files that only this page in this browser can open. Nothing is sent anywhere.',
    indexeddb:
      'On this device, in this browser’s database for this page. Nothing is sent anywhere.',
    memory: 'Only in the memory of this tab. When it closes, the chats are gone.',
  }[status.storage];
  const saved =
    status.storage === 'memory'
      ? 'Nothing is written to disk.'
      : status.durability === 'strict'
        ? 'A message counts as saved only once it is on the disk: it survives a crash and a power cut.'
        : 'A message survives a crash of the browser; a power cut may take the last moments.';
  const kept = status.persisted
    ? h('p', {}, 'Until you delete it. The browser has agreed not to clear it by itself.')
    : h(
        'div',
        {},
        h('p', {}, 'The browser may clear it by itself if the device runs low on space.'),
        keep,
      );
  const inMemory = status.storage === 'memory';
  return [
    ['Where', h('p', {}, where)],
    ...(inMemory ? [] : ([['Tabs', tabs(status, reload)]] satisfies [string, Node][])),
    ['When saved', h('p', {}, saved)],
    ...(inMemory ? [] : ([['How long', kept]] satisfies [string, Node][])),
    ['Used', used(status)],
  ];
}

function tabs({ role, outdated }: StoreStatus, reload: HTMLElement): Node {
  if (outdated) {
    const words = 'Another tab runs a newer version of this page. Reload this one to go on.';
    return h('div', {}, h('p', {}, words), reload);
  }
  return h(
    'p',
    {},
    role === 'leader'
      ? 'This tab serves: it has the files open, and reads and writes for every tab of this page.'
      : 'Another tab serves: it has the files open, and this one reads and writes through it. When it closes, another takes over.',
  );
}

function technical(status: StoreStatus): [string, string][] {
  return [
    ['Storage', status.storage],
    ['Journal', `${status.journalMode}, synchronous ${status.synchronous}`],
    ['Durability', status.durability],
    ['This tab', status.role],
    ['SQLite', status.sqliteVersion],
    ['Schema', String(status.schemaVersion)],
    ['conversation-store', status.version],
  ];
}

function described(facts: [string, Node | string][]): Node[] {
  return facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]);
}

function used({ usage, quota }: StoreStatus): Node {
  if (!usage && !quota) return h('p', {}, 'The browser does not say.');
  if (!quota) return h('p', {}, size(usage ?? 0));
  const share = (usage ?? 0) / quota;
  return h(
    'div',
    {},
    h('p', {}, `${size(usage ?? 0)} of ${size(quota)} that the browser allows`),
    // Less than that looks like nothing at all.
    share > 0.02 && h('meter', { value: share, 'aria-label': 'Space used' }),
  );
}
