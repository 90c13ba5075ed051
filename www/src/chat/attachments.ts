// The files that go along with what is being written: kept in the store as soon as they are chosen, so
// that a draft with them survives a reload. Shows them above the text. Knows no store.

import type { MessagePart } from 'conversation-store';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { FilePart } from './parts/file.ts';

/** A file that is kept in the store, by its reference. */
export interface Attachment {
  ref: string;
  name: string;
  type: string;
  size: number;
}

/** As a part of a message, in the words of the AI SDK. */
export function partOf({ ref, name, type }: Attachment): MessagePart {
  return { type: 'file', mediaType: type, filename: name, url: ref };
}

export interface AttachmentsActions {
  /** Keeps a file. Undefined if it could not be, which has then been said. */
  keep: (file: File) => Promise<Attachment | undefined>;
  readBlob: (ref: string) => Promise<Blob | undefined>;
  changed: () => void;
}

export class Attachments {
  readonly element = h('ul', {
    class: 'attachments',
    'aria-label': t('chat.attachments'),
    'data-testid': 'attachments',
    hidden: true,
  });
  #all: readonly Attachment[] = [];
  #coming = 0;

  constructor(private readonly actions: AttachmentsActions) {}

  get all(): readonly Attachment[] {
    return this.#all;
  }

  set all(attachments: readonly Attachment[]) {
    this.#all = attachments;
    this.#render();
  }

  /** Whether some are still being kept. */
  get isBusy(): boolean {
    return this.#coming > 0;
  }

  /** Resolves to whether all of them could be kept. */
  async add(files: Iterable<File>): Promise<boolean> {
    let areKept = true;
    const added = [...files];
    this.#coming += added.length;
    this.actions.changed();
    for (const file of added) {
      const attachment = await this.actions.keep(file);
      this.#coming -= 1;
      if (attachment) this.all = [...this.#all, attachment];
      else areKept = false;
      this.actions.changed();
    }
    return areKept;
  }

  #render(): void {
    const rows = this.#all.map((attachment) =>
      h(
        'li',
        { class: 'attachments-item' },
        new FilePart(partOf(attachment), this.actions.readBlob).element,
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button small attachments-remove',
            'aria-label': t('chat.removeFile', { name: attachment.name }),
            onclick: () => {
              this.all = this.#all.filter((each) => each !== attachment);
              this.actions.changed();
            },
          },
          icon('close'),
        ),
      ),
    );
    this.element.replaceChildren(...rows);
    this.element.hidden = rows.length === 0;
  }
}
