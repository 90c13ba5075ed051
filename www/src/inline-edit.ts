// Edits one line in its place: Enter or leaving it saves, Escape does not. Knows nothing of what
// is edited.

import { h, isComposing } from './dom.ts';

export interface InlineEdit {
  value: string;
  label: string;
  /** In UTF-16 units, as browsers count. */
  maxLength: number;
  /** Id of a datalist to choose from. */
  list?: string;
  /** Saves a value that has changed and is not blank. False keeps the field open. */
  save: (value: string) => Promise<boolean>;
  /** Told once, when the field is to be taken away; `byKey` if focus has to go somewhere. */
  done: (byKey: boolean) => void;
}

/** The field; focus it once it is in the page. */
export function inlineEdit(edit: InlineEdit): HTMLInputElement {
  let state: 'open' | 'saving' | 'done' = 'open';
  const input = h('input', {
    class: 'field inline-edit',
    type: 'text',
    'aria-label': edit.label,
    maxlength: edit.maxLength,
    autocomplete: 'off',
    enterkeyhint: 'done',
    dir: 'auto',
    list: edit.list,
    'data-testid': 'inline-edit',
  });
  input.value = edit.value;

  const end = (byKey: boolean) => {
    state = 'done';
    edit.done(byKey);
  };
  const save = async (byKey: boolean) => {
    if (state !== 'open') return;
    const value = input.value.trim();
    if (value === '' || value === edit.value) return end(byKey);
    state = 'saving';
    if (await edit.save(value)) return end(byKey);
    state = 'open';
    input.focus();
  };

  input.addEventListener('keydown', (event) => {
    // A key here is for the field, not for the list around it.
    event.stopPropagation();
    if (isComposing(event)) return;
    if (event.key === 'Enter') {
      event.preventDefault();
      void save(true);
    } else if (event.key === 'Escape' && state === 'open') {
      event.preventDefault();
      end(true);
    }
  });
  input.addEventListener('blur', () => void save(false));
  return input;
}
