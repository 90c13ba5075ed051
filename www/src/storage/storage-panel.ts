// Where the chats are and how they are kept, in people's words; backup and restore.

import type { ConversationStore, StoreStatus } from 'conversation-store';
import { ask, makeDialog } from '../dialog.ts';
import { arrange, h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { reloadButton } from '../opening/outdated.ts';
import type { Toasts } from '../toasts.ts';
import { because, codeOf, detailOf, size } from '../words.ts';
import { BackupSection } from './backup-section.ts';
import type { Backups } from './backups.ts';
import { CheckSection } from './check-section.ts';
import './storage.css';
import '../outcome.css';

export interface StoragePanelActions {
  /** Import and export, shown below the backup. */
  section: HTMLElement;
  backups: Backups;
  restored: () => void;
  /** Reads how things stand, and has it shown wherever it is. */
  refresh: () => Promise<void>;
}

export class StoragePanel {
  readonly #dialog: HTMLDialogElement;
  readonly #facts = h('div', { class: 'facts', 'data-testid': 'storage-facts' });
  readonly #list = h('dl', { class: 'fact-list' });
  readonly #technical = h('dl', { class: 'fact-list fact-list-small' });
  readonly #details = h(
    'details',
    { class: 'technical panel-technical' },
    h('summary', {}, t('common.technical')),
    this.#technical,
  );
  readonly #keep = h(
    'button',
    { type: 'button', class: 'button', 'data-testid': 'keep', onclick: () => void this.#onKeep() },
    t('storage.keep'),
  );
  // What came of asking, where it was asked.
  readonly #kept = h('p', { class: 'outcome', role: 'status', 'data-testid': 'kept' });
  readonly #reload = reloadButton();
  readonly #folder: BackupSection;
  readonly #check: CheckSection;
  readonly #outcome = h('p', { class: 'outcome', role: 'alert', 'data-testid': 'outcome' });
  readonly #backup = h('button', { type: 'button', class: 'button' }, t('storage.downloadBackup'));
  readonly #restore = h('button', { type: 'button', class: 'button' }, t('storage.restore'));
  // The file list keeps its choice by nature, so it is emptied after each.
  readonly #file = h('input', {
    type: 'file',
    class: 'unseen',
    tabindex: -1,
    'aria-label': t('storage.backupFile'),
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
    const { backups } = actions;
    this.#folder = new BackupSection(backups, (error) => {
      this.#fail(
        t('common.failed', { what: t('storage.folderFailed'), why: because(error) }),
        error,
      );
    });
    this.#check = new CheckSection(store, () => this.#dialog.close());
    this.#dialog = makeDialog(
      t('storage.title'),
      h(
        'div',
        { class: 'dialog-head' },
        h('h2', { class: 'dialog-title' }, t('storage.title')),
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button',
            'aria-label': t('common.close'),
            onclick: () => this.#dialog.close(),
          },
          icon('close'),
        ),
      ),
      this.#facts,
      h('h3', { class: 'dialog-subtitle' }, t('storage.backup')),
      h('p', { class: 'dialog-text' }, t('storage.backupText')),
      h('div', { class: 'dialog-actions dialog-actions-start' }, this.#backup, this.#restore),
      this.#file,
      this.#outcome,
      this.#folder.element,
      actions.section,
      this.#check.element,
    );
    this.#dialog.classList.add('panel');
    this.#dialog.dataset.testid = 'storage-panel';
    document.body.append(this.#dialog);
  }

  async open(): Promise<void> {
    this.#outcome.textContent = '';
    this.#kept.textContent = '';
    this.#check.clear();
    this.#dialog.showModal();
    await Promise.all([this.#refresh(), this.#folder.refresh()]);
  }

  close(): void {
    this.#dialog.close();
  }

  /** Lets the reader choose a backup to be restored, after a question. */
  async pickBackup(): Promise<void> {
    if (!this.#dialog.open) await this.open();
    this.#file.click();
  }

  async #refresh(): Promise<void> {
    try {
      await this.actions.refresh();
    } catch (error) {
      this.#facts.replaceChildren(
        h('p', { class: 'dialog-text' }, t('storage.unreadable', { why: because(error) })),
      );
    }
  }

  /** Shows how things stand. */
  show(status: StoreStatus): void {
    const focused = document.activeElement;
    this.#list.replaceChildren(...described(facts(status, this.#keep, this.#kept, this.#reload)));
    this.#technical.replaceChildren(...described(technical(status)));
    arrange(this.#facts, [this.#list, this.#details]);
    // Put in anew, a button loses the focus.
    if (focused instanceof HTMLElement && this.#facts.contains(focused)) focused.focus();
  }

  async #onKeep(): Promise<void> {
    this.#kept.textContent = '';
    try {
      const kept = await this.store.persist();
      await this.#refresh();
      this.#kept.dataset.kind = kept ? 'good' : 'note';
      this.#kept.textContent = kept ? t('storage.willKeep') : t('storage.notYet');
    } catch (error) {
      this.#kept.dataset.kind = 'bad';
      this.#kept.textContent = t('storage.notAsked', { why: because(error) });
      this.#kept.title = detailOf(error);
    }
  }

  async #onBackup(): Promise<void> {
    await this.#whileBusy(async () => {
      try {
        const bytes = await this.actions.backups.download();
        this.#outcome.dataset.kind = 'good';
        this.#outcome.textContent = t('storage.backedUp', { size: size(bytes) });
      } catch (error) {
        this.#fail(t('storage.notBackedUp', { why: because(error) }), error);
      }
    });
  }

  async #onFile(): Promise<void> {
    const file = this.#file.files?.[0];
    this.#file.value = '';
    if (!file) return;
    this.#outcome.textContent = '';
    // Before it is asked whether all is to be replaced; whatever cannot be read here is told by the store.
    const start = await file
      .slice(0, 16)
      .text()
      .catch(() => undefined);
    if (start !== undefined && start !== 'SQLite format 3\0') {
      this.#outcome.dataset.kind = 'bad';
      this.#outcome.textContent = t('storage.notRestored', { why: t('storage.noDatabase') });
      return;
    }
    const yes = await ask({
      title: t('storage.askReplace'),
      text: t('storage.askReplaceText', { name: file.name, size: size(file.size) }),
      yes: t('storage.replace'),
    });
    if (!yes) return;
    await this.#whileBusy(async () => {
      try {
        await this.store.restore(file);
        this.#dialog.close();
        this.toasts.show(t('storage.restored', { name: file.name }));
        this.actions.restored();
        await this.#refresh();
      } catch (error) {
        this.#fail(t('storage.notRestored', { why: whyNotRestored(error) }), error);
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
      return t('storage.noDatabase');
    case 'unsupported-format':
      return t('storage.otherDatabase');
    case 'corrupt':
      return t('storage.damagedFile');
    case 'schema-too-new':
      return t('storage.newerFile');
    case 'quota-exceeded':
      return t('storage.noSpaceForFile');
    default:
      return t('storage.otherwise', { why: because(error) });
  }
}

function facts(
  status: StoreStatus,
  keep: HTMLElement,
  outcome: HTMLElement,
  reload: HTMLElement,
): [string, Node][] {
  const where = {
    opfs: t('storage.opfs'),
    indexeddb: t('storage.indexeddb'),
    memory: t('storage.memory'),
  }[status.storage];
  const saved =
    status.storage === 'memory'
      ? t('storage.notWritten')
      : status.durability === 'strict'
        ? t('storage.strict')
        : t('storage.relaxed');
  const { persisted } = status;
  const words = t(persisted ? 'storage.untilDeleted' : 'storage.mayClear');
  const kept = h('div', {}, h('p', {}, words), !persisted && keep, outcome);
  const inMemory = status.storage === 'memory';
  return [
    [t('storage.where'), h('p', {}, where)],
    ...(inMemory ? [] : ([[t('storage.tabs'), tabs(status, reload)]] satisfies [string, Node][])),
    [t('storage.whenSaved'), h('p', {}, saved)],
    ...(inMemory ? [] : ([[t('storage.howLong'), kept]] satisfies [string, Node][])),
    [t('storage.used'), used(status)],
    ...free(status),
  ];
}

function tabs({ role, outdated }: StoreStatus, reload: HTMLElement): Node {
  if (outdated) {
    const words = t('storage.outdated');
    return h('div', {}, h('p', {}, words), reload);
  }
  return h('p', {}, role === 'leader' ? t('storage.leader') : t('storage.follower'));
}

function technical(status: StoreStatus): [string, string][] {
  return [
    [t('storage.engine'), status.storage],
    [t('storage.journal'), `${status.journalMode}, synchronous ${status.synchronous}`],
    [t('storage.durability'), status.durability],
    [t('storage.thisTab'), status.role],
    ['SQLite', status.sqliteVersion],
    [t('storage.schema'), String(status.schemaVersion)],
    ['conversation-store', status.version],
  ];
}

function described(facts: [string, Node | string][]): Node[] {
  return facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]);
}

function free({ usage, quota }: StoreStatus): [string, Node][] {
  if (!quota) return [];
  const left = size(Math.max(0, quota - (usage ?? 0)));
  return [[t('storage.free'), h('p', {}, t('storage.freeOf', { free: left }))]];
}

function used({ usage, quota }: StoreStatus): Node {
  if (!usage && !quota) return h('p', {}, t('storage.unknown'));
  if (!quota) return h('p', {}, size(usage ?? 0));
  const share = (usage ?? 0) / quota;
  return h(
    'div',
    {},
    h('p', {}, t('storage.usedOf', { used: size(usage ?? 0), quota: size(quota) })),
    // Less than that looks like nothing at all.
    share > 0.02 && h('meter', { value: share, 'aria-label': t('storage.spaceUsed') }),
  );
}
