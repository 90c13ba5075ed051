// Edits a message in its place: Enter or Save says it anew, Escape or Cancel leaves it. Knows
// nothing of what becomes of the text.

import { h, isComposing } from '../dom.ts';
import { t } from '../i18n/index.ts';

export interface MessageEdit {
  value: string;
  /** Saves a text that is not blank and has changed. False keeps the field open. */
  save: (text: string) => Promise<boolean>;
  /** Told once, when the field is to be taken away. */
  done: (saved: boolean) => void;
}

/** The field with its buttons; focus it once it is in the page. */
export function messageEdit({ value, save, done }: MessageEdit): HTMLFormElement {
  const field = h('textarea', {
    class: 'field message-field',
    dir: 'auto',
    'aria-label': t('chat.edit'),
    'data-testid': 'message-field',
  });
  field.value = value;
  const form = h(
    'form',
    { class: 'message-edit', 'aria-label': t('chat.editLabel') },
    field,
    h('p', { class: 'message-edit-note' }, t('chat.editNote')),
    h(
      'div',
      { class: 'message-edit-actions' },
      h(
        'button',
        { type: 'button', class: 'button', onclick: () => done(false) },
        t('common.cancel'),
      ),
      h('button', { type: 'submit', class: 'button button-main' }, t('common.save')),
    ),
  );
  let busy = false;
  const submit = async () => {
    const text = field.value;
    if (busy) return;
    if (text.trim() === '' || text === value) return done(false);
    busy = true;
    field.readOnly = true;
    if (await save(text)) return done(true);
    busy = false;
    field.readOnly = false;
    field.focus();
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void submit();
  });
  field.addEventListener('keydown', (event) => {
    if (isComposing(event)) return;
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      void submit();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      if (!busy) done(false);
    }
  });
  return form;
}
