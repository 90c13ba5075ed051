// What one chat has of its own: what its brain is told first, and which model answers.

import { makeDialog } from '../dialog.ts';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import type { ChatSettings } from './settings.ts';
import '../brains/connect.css';

export interface ChatSettingsActions {
  /** Saves what has changed. False keeps the dialog open. */
  save: (settings: Pick<ChatSettings, 'system' | 'model'>) => Promise<boolean>;
}

/**
 * @param model The model that answers where the chat names none; undefined where its brain has none
 * to choose.
 */
export function openChatSettings(
  { system = '', model = '' }: ChatSettings,
  ofBrain: string | undefined,
  actions: ChatSettingsActions,
): void {
  const prompt = h('textarea', {
    class: 'field settings-system',
    id: 'settings-system',
    rows: 5,
    dir: 'auto',
    maxlength: 100_000,
    placeholder: t('chat.systemPlaceholder'),
    'data-testid': 'settings-system',
  });
  prompt.value = system;
  const name = h('input', {
    class: 'field',
    id: 'settings-model',
    type: 'text',
    maxlength: 200,
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    dir: 'auto',
    placeholder: ofBrain ?? '',
    'data-testid': 'settings-model',
  });
  name.value = model;
  const form = h(
    'form',
    { 'aria-label': t('chat.settings') },
    h('label', { class: 'settings-label', for: prompt.id }, t('chat.system')),
    prompt,
    h('p', { class: 'connect-note' }, t('chat.systemNote')),
    h('label', { class: 'settings-label', for: name.id }, t('brains.model')),
    name,
    h('p', { class: 'connect-note' }, t('chat.modelNote')),
    h(
      'div',
      { class: 'dialog-actions' },
      h(
        'button',
        { type: 'button', class: 'button', onclick: () => dialog.close() },
        t('common.cancel'),
      ),
      h(
        'button',
        { type: 'submit', class: 'button button-main', 'data-testid': 'settings-save' },
        t('common.save'),
      ),
    ),
  );
  const dialog = makeDialog(
    t('chat.settings'),
    h('h2', { class: 'dialog-title' }, t('chat.settings')),
    form,
  );
  dialog.classList.add('panel');
  dialog.dataset.testid = 'settings-dialog';
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const settings = { system: prompt.value.trim(), model: name.value.trim() };
    void actions.save(settings).then((done) => done && dialog.close());
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  prompt.focus();
}
