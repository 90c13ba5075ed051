// Import and export: the part of the storage panel that offers them, files dropped on the page, and
// what happens then. What a file holds is the store's to find out.

import {
  type Conversation,
  type ConversationStore,
  ConversationStoreError,
  type ExportOptions,
} from 'conversation-store';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { shorten } from '../text.ts';
import type { Toasts } from '../toasts.ts';
import { because, size, titleOf } from '../words.ts';
import { download, fileName, today } from './download.ts';
import { ImportDialog } from './import-dialog.ts';

export class Transfer {
  /** To be shown where import and export are looked for. */
  readonly section: HTMLElement;
  readonly #file = h('input', {
    type: 'file',
    class: 'unseen',
    tabindex: -1,
    'aria-label': t('transfer.file'),
    'data-testid': 'import-file',
  });
  readonly #target = h(
    'div',
    { class: 'drop-target', hidden: true, 'data-testid': 'drop-target' },
    h('p', {}, t('transfer.drop')),
  );
  readonly #outcome = h('p', { class: 'outcome', role: 'alert', 'data-testid': 'export-outcome' });
  #importing = false;

  constructor(
    private readonly store: ConversationStore,
    private readonly toasts: Toasts,
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
        button('import-open', t('transfer.import'), () => this.#file.click()),
        button('export-ndjson', t('transfer.exportAll'), () => void this.#exportAll('ndjson')),
        button(
          'export-markdown',
          t('transfer.exportMarkdown'),
          () => void this.#exportAll('markdown'),
        ),
      ),
      this.#file,
      this.#outcome,
    );
    this.#file.addEventListener('change', () => {
      const file = this.#file.files?.[0];
      this.#file.value = '';
      if (file) void this.importFile(file);
    });
    document.body.append(this.#target);
    this.#acceptDrops();
  }

  async importFile(file: File): Promise<void> {
    // A second one would have to wait for the first.
    if (this.#importing) return;
    this.#importing = true;
    const abort = new AbortController();
    const dialog = new ImportDialog(file.name, () => abort.abort());
    try {
      const report = await this.store.import(
        file,
        { onProgress: (progress) => dialog.progress(progress) },
        { signal: abort.signal },
      );
      dialog.report(report);
    } catch (error) {
      const details = error instanceof ConversationStoreError ? error.details : undefined;
      dialog.report(details?.report, error);
    }
    this.#importing = false;
  }

  /** One chat, as a file to read. */
  async exportChat(conversation: Conversation): Promise<void> {
    const name = `${fileName(shorten(titleOf(conversation), 60))}.md`;
    try {
      const options: ExportOptions = { format: 'markdown', conversationIds: [conversation.id] };
      this.toasts.show(await this.#save(name, options));
    } catch (error) {
      this.toasts.fail(t('transfer.notExported'), error);
    }
  }

  // Toasts are behind the panel, so it is said in it.
  async #exportAll(format: 'ndjson' | 'markdown'): Promise<void> {
    this.#outcome.textContent = '';
    try {
      const ending = format === 'ndjson' ? 'ndjson' : 'md';
      this.#outcome.textContent = await this.#save(`chats-${today()}.${ending}`, { format });
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
  async #save(name: string, options: ExportOptions): Promise<string> {
    const file = await this.store.export(options);
    // What it is decides what it is called: several files, or attachments, are an archive.
    const ending = /\.\w+$/.exec(file.name)?.[0];
    const whole = ending ? name.replace(/\.\w+$/, ending) : name;
    download(file, whole);
    return t('common.inDownloads', { name: whole, size: size(file.size) });
  }

  #acceptDrops(): void {
    const hasFiles = ({ dataTransfer }: DragEvent) =>
      dataTransfer?.types.includes('Files') ?? false;
    const show = (shown: boolean) => {
      this.#target.hidden = !shown;
    };
    addEventListener('dragenter', (event) => {
      // A dialog is above the page, and has to be answered first.
      if (hasFiles(event) && !document.querySelector('dialog[open]')) show(true);
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
