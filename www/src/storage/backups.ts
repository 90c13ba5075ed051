// Backups: on demand into the downloads, by themselves into a folder that the reader picked, and a
// reminder once a week where there is none. Says when the last one was made. Knows no element.

import type { ConversationStore } from 'conversation-store';
import { download, today } from '../transfer/download.ts';
import { allowFolder, folderState, writeBackup } from './backup-folder.ts';
import { onRemembered, remember, remembered } from './remembered.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

export interface BackupEvents {
  /** The time of the last one has changed. */
  changed: () => void;
  /** One is due that needs a press of the reader's. */
  remind: () => void;
  /** The folder could not be written to. */
  failed: (error: unknown) => void;
}

export class Backups {
  #isEmpty = true;
  #begun = false;

  constructor(
    private readonly store: ConversationStore,
    private readonly events: BackupEvents,
  ) {
    onRemembered(events.changed);
  }

  /** When the last one was made; undefined if none was. */
  get last(): string | undefined {
    const time = remembered('backedUp');
    return time === undefined ? undefined : new Date(time).toISOString();
  }

  /** Looks now and every hour whether one is due. */
  begin(): void {
    this.#begun = true;
    void this.#look();
    setInterval(() => void this.#look(), HOUR);
  }

  /** Whether there is anything to back up. */
  set isEmpty(isEmpty: boolean) {
    const wasEmpty = this.#isEmpty;
    this.#isEmpty = isEmpty;
    if (this.#begun && wasEmpty && !isEmpty) void this.#look();
  }

  /** One into the downloads. Resolves to its size. */
  async download(): Promise<number> {
    const file = await this.store.backup();
    download(file, nameOf());
    this.#done();
    return file.size;
  }

  /** In answer to a press: into the folder if there is one that may be written to, else a download. */
  async now(): Promise<void> {
    const folder = await folderState().catch(() => undefined);
    if (folder && (folder.allowed || (await allowFolder()))) await this.intoFolder();
    else await this.download();
  }

  async intoFolder(): Promise<void> {
    await writeBackup(await this.store.backup(), nameOf());
    this.#done();
  }

  /** One tab does it for all. */
  async #look(): Promise<void> {
    if (this.#isEmpty) return;
    await navigator.locks.request('chats-backup', { ifAvailable: true }, async (lock) => {
      if (!lock) return;
      try {
        await this.#backUpIfDue();
      } catch (error) {
        this.events.failed(error);
      }
    });
  }

  async #backUpIfDue(): Promise<void> {
    const folder = await folderState().catch(() => undefined);
    const since = Date.now() - (remembered('backedUp') ?? 0);
    if (folder?.allowed) {
      if (since >= DAY) await this.intoFolder();
      return;
    }
    // The week begins with the first chat: nobody is asked for a backup of what he has just begun.
    const suggested = remembered('suggested');
    if (suggested === undefined) remember('suggested');
    else if (since >= WEEK && Date.now() - suggested >= WEEK) {
      remember('suggested');
      this.events.remind();
    }
  }

  #done(): void {
    remember('backedUp');
    this.events.changed();
  }
}

function nameOf(): string {
  return `chats-backup-${today()}.sqlite3`;
}
