// An attachment: a picture is shown, anything else is named, with its size and a download. What is
// elsewhere is not fetched.

import type { MessagePart } from 'conversation-store';
import { makeDialog } from '../../dialog.ts';
import { h } from '../../dom.ts';
import { t } from '../../i18n/index.ts';
import { icon } from '../../icons.ts';
import { shorten } from '../../text.ts';
import { download, fileName } from '../../transfer/download.ts';
import { size } from '../../words.ts';
import { addressOf } from '../markdown/address.ts';
import type { PartView } from './part.ts';

/** Pictures that run nothing, wherever they are opened. SVG is not one of them. */
const SHOWN = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/;
const STORED = 'conversation-store:';

export class FilePart implements PartView {
  readonly element = h('div', { class: 'attachment', 'data-testid': 'attachment' });
  #shown = '';

  constructor(
    part: MessagePart,
    private readonly readBlob: (ref: string) => Promise<Blob | undefined>,
  ) {
    this.update(part);
  }

  update(part: MessagePart): void {
    const { name, url, type, text } = fieldsOf(part);
    const key = `${name}\n${url}\n${type}`;
    if (key === this.#shown) return;
    this.#shown = key;
    this.element.replaceChildren(named(name, undefined));
    if (url.startsWith(STORED)) void this.#read(url, name, type);
    else if (url.startsWith('data:')) this.#inline(url, name, type);
    else if (addressOf(url) !== undefined) this.#elsewhere(url, name);
    else if (text !== undefined) this.#give(new Blob([text], { type: 'text/plain' }), name);
  }

  async #read(url: string, name: string, type: string): Promise<void> {
    const blob = await this.readBlob(url).catch(() => undefined);
    if (!blob) {
      this.element.append(h('span', { class: 'attachment-note' }, t('chat.fileMissing')));
    } else if (SHOWN.test(type) && SHOWN.test(blob.type || type)) {
      this.#picture(() => URL.createObjectURL(blob.slice(0, blob.size, type)), name, blob);
    } else {
      this.#give(blob, name);
    }
  }

  /** What the text brings along. */
  #inline(url: string, name: string, type: string): void {
    const kind = /^data:([\w/+.-]+);base64,/.exec(url)?.[1] ?? type;
    const bytes = bytesOf(url);
    if (!bytes) return;
    const blob = new Blob([bytes], { type: kind });
    if (SHOWN.test(kind)) this.#picture(() => URL.createObjectURL(blob), name, blob);
    else this.#give(blob, name);
  }

  #elsewhere(url: string, name: string): void {
    const link = h(
      'a',
      { href: addressOf(url), target: '_blank', rel: 'noopener noreferrer nofollow' },
      icon('file'),
      h('span', { class: 'attachment-name', dir: 'auto' }, name),
    );
    link.className = 'attachment-file';
    this.element.replaceChildren(link);
  }

  #picture(url: () => string, name: string, blob: Blob): void {
    const image = pictureOf(url(), name);
    image.addEventListener('error', () => this.#give(blob, name));
    const button = h(
      'button',
      {
        type: 'button',
        class: 'attachment-picture',
        'aria-label': t('chat.enlarge', { name }),
        onclick: () => enlarge(url(), name, () => download(asFile(blob), fileName(name))),
      },
      image,
    );
    this.element.replaceChildren(button);
  }

  #give(blob: Blob, name: string): void {
    const button = named(name, blob.size);
    button.append(
      h(
        'button',
        {
          type: 'button',
          class: 'icon-button small',
          'aria-label': t('chat.downloadFile', { name }),
          title: t('chat.downloadFile', { name }),
          onclick: () => download(asFile(blob), fileName(name)),
        },
        icon('out'),
      ),
    );
    this.element.replaceChildren(button);
  }
}

/** Saved and never opened: as bytes, whatever they are said to be. */
function asFile(blob: Blob): Blob {
  return blob.slice(0, blob.size, 'application/octet-stream');
}

function named(name: string, bytes: number | undefined): HTMLElement {
  return h(
    'div',
    { class: 'attachment-file' },
    icon('file'),
    h('span', { class: 'attachment-name', dir: 'auto' }, name),
    bytes !== undefined && h('span', { class: 'attachment-size' }, size(bytes)),
  );
}

/** A picture whose address is given up as soon as it is loaded. */
function pictureOf(url: string, name: string): HTMLImageElement {
  const image = h('img', { alt: name, decoding: 'async' });
  const free = () => URL.revokeObjectURL(url);
  image.addEventListener('load', free, { once: true });
  image.addEventListener('error', free, { once: true });
  image.src = url;
  return image;
}

function enlarge(url: string, name: string, save: () => void): void {
  const dialog = makeDialog(
    name,
    pictureOf(url, name),
    h(
      'div',
      { class: 'dialog-actions' },
      h('button', { type: 'button', class: 'button', onclick: save }, t('chat.download')),
      h(
        'button',
        { type: 'button', class: 'button', autofocus: true, onclick: () => dialog.close() },
        t('common.close'),
      ),
    ),
  );
  dialog.classList.add('picture');
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function bytesOf(url: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const comma = url.indexOf(',');
    if (!/;base64$/i.test(url.slice(0, comma))) {
      return new TextEncoder().encode(decodeURIComponent(url.slice(comma + 1)));
    }
    return Uint8Array.from(atob(url.slice(comma + 1)), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function fieldsOf(part: MessagePart): {
  name: string;
  url: string;
  type: string;
  text: string | undefined;
} {
  const data = (part.data ?? {}) as Record<string, unknown>;
  const text = (...values: unknown[]) =>
    values.find((value): value is string => typeof value === 'string' && value !== '');
  const url = text(part.url) ?? '';
  return {
    name: shorten(
      text(part.filename, data.file_name, data.filename, data.name) ?? t('chat.file'),
      120,
    ),
    url,
    type: text(part.mediaType, data.mimeType, data.file_type) ?? '',
    text: text(data.extracted_content),
  };
}
