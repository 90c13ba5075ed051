// Chooses who answers: the brains of the page, the models that are connected, names that other chats
// have. What opens something is in a menu beside it: a key in a closed list chooses at once.

import { h, isComposing } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { menuButton } from '../menu.ts';
import { BUILT_IN } from './brains.ts';
import type { Endpoints } from './endpoints.ts';

export interface BrainPickerActions {
  choose: (brain: string) => void;
  /** Resolves to the name of a model that was connected, if one was. */
  connect: () => Promise<string | undefined>;
}

export class BrainPicker {
  readonly element = h('span', { class: 'picker' });
  readonly #select: HTMLSelectElement;
  readonly #more: HTMLButtonElement;
  #brain = '';

  /** @param known Names that chats have. */
  constructor(
    name: string,
    private readonly endpoints: Endpoints,
    private readonly known: () => readonly string[],
    private readonly actions: BrainPickerActions,
  ) {
    this.#select = h('select', {
      class: 'badge picker-select',
      'aria-label': t('brains.answeredBy'),
      'data-testid': name,
      onchange: () => this.#choose(this.#select.value.replace(/^is:/, '')),
    });
    // Names that came meanwhile are there when one looks.
    this.#select.addEventListener('pointerdown', () => this.#fill());
    this.#select.addEventListener('focus', () => this.#fill());
    this.#more = menuButton(
      t('brains.moreBrains'),
      () => [
        { label: t('brains.connectMore'), icon: 'plus', run: () => void this.#connect() },
        { label: t('brains.otherName'), icon: 'pencil', run: () => this.#askForName() },
      ],
      { 'data-testid': `${name}-more`, class: 'icon-button small' },
      'plus',
    );
    this.element.append(this.#select, this.#more);
  }

  get brain(): string {
    return this.#brain;
  }

  set brain(brain: string) {
    this.#brain = brain;
    this.#fill();
  }

  focus(): void {
    this.#select.focus();
  }

  #fill(): void {
    const connected = this.endpoints.all.map(({ name }) => name);
    const others = new Set(this.known());
    others.add(this.#brain);
    for (const name of [...BUILT_IN, ...connected]) others.delete(name);
    const group = (label: string, names: readonly string[]) =>
      names.length > 0 &&
      h('optgroup', { label }, ...names.map((name) => h('option', { value: `is:${name}` }, name)));
    const key = JSON.stringify([connected, [...others]]);
    if (key !== this.#select.dataset.key) {
      this.#select.dataset.key = key;
      const groups = [
        group(t('brains.here'), BUILT_IN),
        group(t('brains.models'), connected),
        group(t('brains.nobody'), [...others]),
      ];
      this.#select.replaceChildren(...groups.filter((each) => each !== false));
    }
    this.#select.value = `is:${this.#brain}`;
  }

  async #connect(): Promise<void> {
    const connected = await this.actions.connect();
    if (connected !== undefined) this.#choose(connected);
    this.#more.focus();
  }

  #choose(brain: string): void {
    this.brain = brain;
    this.actions.choose(brain);
  }

  #askForName(): void {
    const field = h('input', {
      class: 'field inline-edit',
      type: 'text',
      maxlength: 1_000,
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: 'false',
      dir: 'auto',
      'aria-label': t('common.brain'),
      'data-testid': 'brain-name',
    });
    let open = true;
    const end = (save: boolean) => {
      if (!open) return;
      open = false;
      const name = field.value.trim();
      field.remove();
      this.#select.hidden = false;
      this.#more.hidden = false;
      if (save && name !== '') this.#choose(name);
      else this.#fill();
    };
    field.addEventListener('keydown', (event) => {
      if (isComposing(event)) return;
      if (event.key !== 'Enter' && event.key !== 'Escape') return;
      event.preventDefault();
      event.stopPropagation();
      end(event.key === 'Enter');
      this.#select.focus();
    });
    field.addEventListener('blur', () => end(true));
    this.#select.hidden = true;
    this.#more.hidden = true;
    this.element.append(field);
    field.focus();
  }
}
