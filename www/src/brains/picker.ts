// Chooses who answers: the brains of the page, the models that are connected, names that other chats
// have, or another name.

import { h, isComposing } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { BUILT_IN } from './brains.ts';
import type { Endpoints } from './endpoints.ts';

export interface BrainPickerActions {
  choose: (brain: string) => void;
  /** Resolves to the name of a model that was connected, if one was. */
  connect: () => Promise<string | undefined>;
}

const CONNECT = 'do:connect';
const NAME = 'do:name';

export class BrainPicker {
  readonly element = h('span', { class: 'picker' });
  readonly #select: HTMLSelectElement;
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
      onchange: () => void this.#onChange(),
    });
    // Names that came meanwhile are there when one looks.
    this.#select.addEventListener('pointerdown', () => this.#fill());
    this.#select.addEventListener('focus', () => this.#fill());
    this.element.append(this.#select);
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
    const group = (label: string, names: Iterable<string>, ...more: HTMLOptionElement[]) => {
      const options = [...names].map((name) => h('option', { value: `is:${name}` }, name));
      return h('optgroup', { label }, ...options, ...more);
    };
    const key = JSON.stringify([connected, [...others]]);
    if (key !== this.#select.dataset.key) {
      this.#select.dataset.key = key;
      this.#select.replaceChildren(
        group(t('brains.here'), BUILT_IN),
        group(
          t('brains.models'),
          connected,
          h('option', { value: CONNECT }, t('brains.connectMore')),
        ),
        group(t('brains.nobody'), others, h('option', { value: NAME }, t('brains.otherName'))),
      );
    }
    this.#select.value = `is:${this.#brain}`;
  }

  async #onChange(): Promise<void> {
    const { value } = this.#select;
    if (value === NAME) return this.#askForName();
    if (value !== CONNECT) return this.#choose(value.replace(/^is:/, ''));
    this.#select.value = `is:${this.#brain}`;
    const connected = await this.actions.connect();
    if (connected !== undefined) this.#choose(connected);
    this.#select.focus();
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
    this.element.append(field);
    field.focus();
  }
}
