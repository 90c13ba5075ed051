// The part of the storage panel about backups that are made by themselves: the folder, the permission for
// it, or how one is reminded.

import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { allowFolder, folderState, forgetFolder, hasFolders, pickFolder } from './backup-folder.ts';
import type { Backups } from './backups.ts';

export class BackupSection {
  readonly element = h('section', { 'data-testid': 'backup-folder' });
  readonly #words = h('p', { class: 'dialog-text' });
  readonly #buttons = h('div', { class: 'dialog-actions dialog-actions-start' });

  constructor(
    private readonly backups: Backups,
    private readonly failed: (error: unknown) => void,
  ) {
    this.element.append(
      h('h3', { class: 'dialog-subtitle' }, t('storage.folder')),
      this.#words,
      this.#buttons,
    );
  }

  async refresh(): Promise<void> {
    if (!hasFolders()) {
      this.#words.textContent = t('storage.noFolders');
      return;
    }
    // Unreadable: none was picked, as far as one can tell.
    const folder = await folderState().catch(() => undefined);
    const pick = this.#button(
      t(folder ? 'storage.otherFolder' : 'storage.pickFolder'),
      'pick-folder',
      async () => {
        if (await pickFolder()) await this.backups.intoFolder();
      },
    );
    if (!folder) {
      this.#words.textContent = t('storage.folderText');
      this.#buttons.replaceChildren(pick);
      return;
    }
    const { name, allowed } = folder;
    this.#words.textContent = t(allowed ? 'storage.intoFolder' : 'storage.askFolder', { name });
    const allow = this.#button(t('storage.allowFolder'), 'allow-folder', async () => {
      if (await allowFolder()) await this.backups.intoFolder();
    });
    const stop = this.#button(t('storage.stopFolder'), 'stop-folder', forgetFolder);
    this.#buttons.replaceChildren(...(allowed ? [] : [allow]), pick, stop);
  }

  #button(label: string, id: string, run: () => Promise<unknown>): HTMLButtonElement {
    const button = h('button', { type: 'button', class: 'button', 'data-testid': id }, label);
    button.addEventListener('click', async () => {
      button.disabled = true;
      try {
        await run();
      } catch (error) {
        this.failed(error);
      }
      button.disabled = false;
      await this.refresh();
    });
    return button;
  }
}
