// Modal dialogs: the frame all share, and the question before something that cannot be undone.

import { h } from './dom.ts';
import { t } from './i18n/index.ts';

/** A modal dialog, not yet open. A press outside it closes it, as Escape does. */
export function makeDialog(label: string, ...children: (Node | string)[]): HTMLDialogElement {
  const dialog = h('dialog', { class: 'dialog', 'aria-label': label }, ...children);
  dialog.addEventListener('pointerdown', (event) => {
    if (event.target !== dialog) return;
    const box = dialog.getBoundingClientRect();
    const inside =
      event.clientX >= box.left &&
      event.clientX <= box.right &&
      event.clientY >= box.top &&
      event.clientY <= box.bottom;
    if (!inside) dialog.close();
  });
  return dialog;
}

export interface Question {
  title: string;
  text: string;
  /** The label of the button that goes ahead: what it does, not “OK”. */
  yes: string;
}

/** Asks before something that cannot be undone. The safe answer has the focus. */
export function ask({ title, text, yes }: Question): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = false;
    const end = (value: boolean) => {
      answer = value;
      dialog.close();
    };
    const dialog = makeDialog(
      title,
      h('h2', { class: 'dialog-title' }, title),
      h('p', { class: 'dialog-text', dir: 'auto' }, text),
      h(
        'div',
        { class: 'dialog-actions' },
        h(
          'button',
          { type: 'button', class: 'button', autofocus: true, onclick: () => end(false) },
          t('common.cancel'),
        ),
        h(
          'button',
          { type: 'button', class: 'button button-danger', onclick: () => end(true) },
          yes,
        ),
      ),
    );
    dialog.dataset.testid = 'question';
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
