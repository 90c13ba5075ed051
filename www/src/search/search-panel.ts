// The search box and what it finds. Shows what Search has read, and leads to it by links.

import { arrange, h, isComposing } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { PERIODS } from '../route.ts';
import { shorten } from '../text.ts';
import { because } from '../words.ts';
import { Hit } from './hit.ts';
import type { Search } from './search.ts';

export class SearchPanel {
  readonly box: HTMLElement;
  readonly results: HTMLElement;
  readonly #field = h('input', {
    type: 'search',
    class: 'field search-field',
    placeholder: t('search.placeholder'),
    'aria-label': t('search.label'),
    'aria-controls': 'hits',
    'aria-keyshortcuts': '/ Control+K Meta+K',
    autocomplete: 'off',
    spellcheck: 'false',
    enterkeyhint: 'search',
    maxlength: 1_000,
    'data-testid': 'search',
  });
  readonly #clear: HTMLButtonElement;
  readonly #list = h('ul', {
    class: 'rows',
    id: 'hits',
    'aria-label': t('search.found'),
    'data-testid': 'hits',
  });
  readonly #period = h('select', {
    class: 'field',
    id: 'search-period',
    'data-testid': 'search-period',
  });
  // Said by screen readers as it changes.
  readonly #count = h('p', {
    class: 'search-count',
    role: 'status',
    'data-testid': 'search-count',
  });
  readonly #note = h('div', { class: 'list-note', 'data-testid': 'search-note' });
  readonly #sentinel = h('div', { class: 'sentinel' });
  readonly #watcher: IntersectionObserver;
  readonly #rows = new Map<number, Hit>();
  #order: Hit[] = [];
  // The hit that is in the tab order.
  #active: Hit | undefined;
  #current: number | undefined;
  // Enter was pressed before the hits of what was typed were there.
  #entered = false;

  constructor(private readonly model: Search) {
    this.#clear = h(
      'button',
      {
        type: 'button',
        class: 'icon-button small search-clear',
        'aria-label': t('search.clear'),
        'data-testid': 'search-clear',
        hidden: true,
        onclick: () => this.#empty(),
      },
      icon('close'),
    );
    this.box = h(
      'div',
      { class: 'search', role: 'search' },
      h('span', { class: 'search-icon' }, icon('search')),
      this.#field,
      this.#clear,
    );
    this.#period.append(
      h('option', { value: '' }, t('search.anyTime')),
      ...PERIODS.map((period) => h('option', { value: period }, t(`search.${period}`))),
    );
    this.#period.addEventListener('change', () => {
      model.since(PERIODS.find((period) => period === this.#period.value));
    });
    this.results = h(
      'div',
      { class: 'list', hidden: true },
      h(
        'div',
        { class: 'search-period' },
        h('label', { for: 'search-period' }, t('search.since')),
        this.#period,
      ),
      this.#count,
      this.#list,
      this.#note,
      this.#sentinel,
    );
    // Also while an input method still builds a syllable: what it has so far is in the field.
    this.#field.addEventListener('input', () => {
      this.#entered = false;
      model.find(this.#field.value);
    });
    this.#field.addEventListener('keydown', (event) => this.#onFieldKey(event));
    this.#list.addEventListener('keydown', (event) => this.#onListKey(event));
    this.#list.addEventListener('focusin', ({ target }) => {
      this.#setActive(this.#order.find(({ element }) => element.contains(target as Node)));
    });
    this.#watcher = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting && model.state === 'ready') model.more();
      },
      { root: this.results, rootMargin: '0px 0px 400px 0px' },
    );
  }

  /** Whether something is looked for: its hits are then shown in the place of the chats. */
  get isOn(): boolean {
    return this.model.query !== '';
  }

  /** Shows what was found as it now is. */
  render(): void {
    const { model } = this;
    const { state } = model;
    this.#clear.hidden = this.#field.value === '';
    this.results.hidden = !this.isOn;
    this.#period.value = model.period ?? '';
    // Where the address says something else than was typed.
    if (this.#field.value.trim() !== model.query) {
      this.#field.value = model.query;
      this.#clear.hidden = model.query === '';
    }
    this.#list.setAttribute('aria-busy', String(state === 'searching'));
    // Until the new ones are there, the hits before stay.
    if (state === 'searching') return;
    const hadFocus = this.#list.contains(document.activeElement);
    const known = new Map(this.#rows);
    this.#rows.clear();
    this.#order = model.hits.map((found) => {
      const { id } = found.conversation;
      const row = known.get(id);
      row?.update(found);
      const shown = row ?? new Hit(found, () => model.within(id));
      if (!row) shown.link.tabIndex = -1;
      shown.setCurrent(id === this.#current);
      this.#rows.set(id, shown);
      return shown;
    });
    arrange(
      this.#list,
      this.#order.map(({ element }) => element),
    );
    this.#list.hidden = this.#order.length === 0;
    if (!this.#active || !this.#order.includes(this.#active)) this.#setActive(this.#order[0]);
    // The hit that had the focus is none any more.
    if (hadFocus && !this.#list.contains(document.activeElement)) this.focus();
    this.#renderWords();
    // Observing anew asks again whether the end is in sight, which it may still be.
    this.#watcher.disconnect();
    if (state === 'ready' && model.hasMore) this.#watcher.observe(this.#sentinel);
    if (this.#entered) this.#enter();
  }

  /** Marks the chat that is open. */
  setCurrent(id: number | undefined): void {
    this.#current = id;
    for (const [of, row] of this.#rows) row.setCurrent(of === id);
  }

  /** Goes to the box, with what is in it chosen, so that typing begins anew. */
  start(): void {
    this.#field.focus();
    this.#field.select();
  }

  /** Focuses the hit where one was last, or the box if there is none. */
  focus(): void {
    (this.#active?.link ?? this.#field).focus();
  }

  #renderWords(): void {
    const { query, period, hits, hasMore, state, error } = this.model;
    const { length } = hits;
    if (state === 'error') {
      this.#count.textContent = '';
      this.#note.replaceChildren(
        h('p', { role: 'alert' }, t('search.failed', { why: because(error) })),
        h(
          'button',
          { type: 'button', class: 'button', onclick: () => this.model.more() },
          t('common.tryAgain'),
        ),
      );
      return;
    }
    this.#note.replaceChildren();
    if (!this.isOn) this.#count.textContent = '';
    else if (length === 0) {
      const given = { query: shorten(query, 40) };
      this.#count.textContent = period
        ? t('search.nothingSince', { ...given, period: t(`search.${period}`) })
        : t('search.nothing', given);
    } else if (hasMore) this.#count.textContent = t('search.moreThan', { count: length });
    else this.#count.textContent = t('search.in', { count: length });
  }

  #setActive(hit: Hit | undefined): void {
    if (this.#active) this.#active.link.tabIndex = -1;
    this.#active = hit;
    if (hit) hit.link.tabIndex = 0;
  }

  #empty(): void {
    this.#field.value = '';
    this.#entered = false;
    this.model.find('');
    this.#clear.hidden = true;
    this.#field.focus();
  }

  /** Opens the best hit of what stands in the box, when it is there. */
  #enter(): void {
    this.#entered = this.model.state === 'searching';
    if (!this.#entered) this.#order[0]?.link.click();
  }

  #onFieldKey(event: KeyboardEvent): void {
    if (isComposing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'ArrowDown' && this.#order.length > 0) this.#order[0]?.link.focus();
    else if (event.key === 'Enter') this.#enter();
    else if (event.key === 'Escape') this.#empty();
    else return;
    event.preventDefault();
  }

  #onListKey(event: KeyboardEvent): void {
    if (!this.#active || event.ctrlKey || event.metaKey || event.altKey) return;
    const index = this.#order.indexOf(this.#active);
    const to: Partial<Record<string, HTMLElement | undefined>> = {
      ArrowDown: (this.#order[index + 1] ?? this.#order[index])?.link,
      ArrowUp: this.#order[index - 1]?.link ?? this.#field,
      Home: this.#order[0]?.link,
      End: this.#order.at(-1)?.link,
    };
    const target = to[event.key];
    if (target) target.focus();
    else if (event.key === 'Escape') this.#empty();
    else return;
    event.preventDefault();
  }
}
