// Copies a text, and shows on the button that it has.

import { announce } from '../announce.ts';
import { t } from '../i18n/index.ts';

const SHOWN = 1_500;

export function copyWith(button: EventTarget | null, text: string): void {
  void copy(text).then((done) => {
    announce(t(done ? 'chat.copied' : 'chat.notCopied'));
    if (!done || !(button instanceof HTMLElement)) return;
    button.dataset.done = '';
    setTimeout(() => delete button.dataset.done, SHOWN);
  });
}

/** False where the browser does not let it. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
