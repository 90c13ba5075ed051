// Import and export: the part of the storage panel that offers them, and files dropped on the page. What is
// done then is fetched with the first of them.

import type { Conversation, ConversationStore } from 'conversation-store';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import type { Toasts } from '../toasts.ts';
import { because } from '../words.ts';

/** Endings of what can be imported; a file without one of these can still be dropped. */
const ACCEPTED = '.json,.jsonl,.ndjson,.zip,.db,.sqlite,.sqlite3';

export interface TransferActions {
  /** An import has begun: what would hide it makes room. */
  importing: () => void;
  /** Where the focus goes when its report is closed. */
  refuge: () => void;
}

/** What a person can have chats as. */
export type FileKind = 'markdown' | 'json' | 'sqlite';
export const FILE_KINDS: readonly FileKind[] = ['markdown', 'json', 'sqlite'];

export class Transfer {
  /** To be shown where import and export are looked for. */
  readonly section: HTMLElement;
  /** Where a file is chosen: to be somewhere in the page, unseen. */
  readonly field = h('input', {
    type: 'file',
    class: 'unseen',
    tabindex: -1,
    'aria-label': t('transfer.file'),
    'data-testid': 'import-file',
  });
  readonly #target = h(
    'div',
    { class: 'drop-target', hidden: true, 'data-testid': 'drop-target' },
    h('p'),
  );
  readonly #outcome = h('p', { class: 'outcome', role: 'alert', 'data-testid': 'export-outcome' });
  #importing = false;

  constructor(
    private readonly store: ConversationStore,
    private readonly toasts: Toasts,
    private readonly actions: TransferActions,
  ) {
    const button = (id: string, label: string, onclick: () => void) =>
      h('button', { type: 'button', class: 'button', 'data-testid': id, onclick }, label);
    this.section = h(
      'section',
      {},
      h('h3', { class: 'dialog-subtitle' }, t('transfer.title')),
      h('p', { class: 'dialog-text' }, t('transfer.text')),
      h(
        'div',
        { class: 'dialog-actions dialog-actions-start' },
        button('import-open', t('transfer.import'), () => this.field.click()),
        ...FILE_KINDS.map((kind) =>
          button(`export-${kind}`, t(`transfer.all_${kind}`), () => void this.#exportAll(kind)),
        ),
      ),
      this.#outcome,
    );
    this.field.addEventListener('change', () => {
      const file = this.field.files?.[0];
      this.field.value = '';
      if (file) void this.importFile(file);
    });
    this.field.setAttribute('accept', ACCEPTED);
    document.body.append(this.#target);
    this.#acceptDrops();
  }

  /** Lets the reader choose a file to import. */
  pickFile(): void {
    this.field.click();
  }

  /** Chats are there, and can be searched, as they come. */
  async importFile(file: File): Promise<void> {
    // A second one would have to wait for the first.
    if (this.#importing) return;
    this.#importing = true;
    try {
      this.actions.importing();
      // With the first import, as the store's own reader of files.
      const { importFile } = await import('./importing.ts');
      await importFile(this.store, file, this.toasts, this.actions.refuge);
    } finally {
      this.#importing = false;
    }
  }

  /** One chat, as a file. */
  async exportChat(conversation: Conversation, kind: FileKind): Promise<void> {
    try {
      this.toasts.show(await this.#save(kind, conversation));
    } catch (error) {
      this.toasts.fail(t('transfer.notExported'), error);
    }
  }

  // Toasts are behind the panel, so it is said in it.
  async #exportAll(kind: FileKind): Promise<void> {
    this.#outcome.textContent = '';
    try {
      this.#outcome.textContent = await this.#save(kind);
      this.#outcome.dataset.kind = 'good';
    } catch (error) {
      this.#outcome.textContent = t('common.failed', {
        what: t('transfer.notExported'),
        why: because(error),
      });
      this.#outcome.dataset.kind = 'bad';
    }
  }

  /** Resolves to what there is to be said. */
  async #save(kind: FileKind, only?: Conversation): Promise<string> {
    const { save } = await import('./save.ts');
    return save(this.store, kind, only);
  }

  #acceptDrops(): void {
    const hasFiles = ({ dataTransfer }: DragEvent) =>
      dataTransfer?.types.includes('Files') ?? false;
    const show = (shown: boolean) => {
      this.#target.hidden = !shown;
      // Nothing is sent along where there is nowhere to write.
      const canSend = document.querySelector('.composer') !== null;
      this.#target.children[0]?.replaceChildren(t(canSend ? 'transfer.drop' : 'transfer.dropOnly'));
    };
    addEventListener('dragenter', (event) => {
      // A dialog is above the page, and has to be answered first.
      if (hasFiles(event) && !document.querySelector('dialog:modal')) show(true);
    });
    addEventListener('dragover', (event) => {
      // Else the browser opens the file in the place of the page.
      if (hasFiles(event)) event.preventDefault();
    });
    addEventListener('dragleave', ({ relatedTarget }) => {
      if (relatedTarget === null) show(false);
    });
    addEventListener('drop', (event) => {
      if (!hasFiles(event)) return;
      // Whoever has taken it already has said so.
      const accepted = !this.#target.hidden && !event.defaultPrevented;
      event.preventDefault();
      show(false);
      const file = event.dataTransfer?.files[0];
      if (file && accepted) void this.importFile(file);
    });
  }
}
