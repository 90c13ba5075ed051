// The list of chats with what belongs to it: New, the search, the brain filter, the way to the storage
// panel.
// Shows what ChatList has read; asks others to change anything.

import type { Conversation } from 'conversation-store';
import type { ChatList } from './chat-list.ts';
import { arrange, h, isComposing } from './dom.ts';
import { t } from './i18n/index.ts';
import { icon } from './icons.ts';
import { hashOf, type Route } from './route.ts';
import { Row, type RowActions } from './row.ts';
import type { SearchPanel } from './search-panel.ts';
import { shorten } from './text.ts';
import { because } from './words.ts';

export interface SidebarActions extends RowActions {
  filter: (brain: string | undefined) => void;
  openStorage: () => void;
}

export class Sidebar {
  readonly element: HTMLElement;
  readonly #list = h('ul', { class: 'rows', 'data-testid': 'conversations' });
  readonly #note = h('div', { class: 'list-note', 'data-testid': 'list-note' });
  readonly #sentinel = h('div', { class: 'sentinel' });
  readonly #filter = h('select', { class: 'field', id: 'filter', 'data-testid': 'filter' });
  readonly #filterBar: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #new: HTMLAnchorElement;
  readonly #trash = h(
    'a',
    { class: 'foot-button', href: hashOf({ view: 'trash' }), 'data-testid': 'open-trash' },
    icon('trash'),
    t('sidebar.trash'),
  );
  readonly #storage = h('span', { class: 'storage-words' }, t('sidebar.storage'));
  readonly #rows = new Map<number, Row>();
  readonly #watcher: IntersectionObserver;
  #order: Row[] = [];
  #current: number | undefined;
  // The row that is in the tab order.
  #active: number | undefined;

  constructor(
    private readonly model: ChatList,
    private readonly search: SearchPanel,
    private readonly actions: SidebarActions,
  ) {
    this.#new = h(
      'a',
      { class: 'button button-main', href: hashOf({ view: 'new' }), 'data-testid': 'new' },
      icon('plus'),
      t('sidebar.new'),
    );
    this.#filter.addEventListener('change', () => {
      // The first option is all of them; a brain may be called anything, so its place tells.
      actions.filter(this.#filter.selectedIndex === 0 ? undefined : this.#filter.value);
    });
    this.#filterBar = h(
      'div',
      { class: 'filter' },
      h('label', { for: 'filter' }, t('common.brain')),
      this.#filter,
    );
    this.#scroller = h('div', { class: 'list' }, this.#list, this.#note, this.#sentinel);
    this.element = h(
      'nav',
      { class: 'sidebar', 'aria-label': t('sidebar.label') },
      h(
        'div',
        { class: 'sidebar-head' },
        h('h1', { class: 'sidebar-title', tabindex: -1 }, t('sidebar.title')),
        this.#new,
      ),
      search.box,
      this.#filterBar,
      this.#scroller,
      search.results,
      h(
        'div',
        { class: 'sidebar-foot' },
        h(
          'button',
          {
            type: 'button',
            class: 'foot-button storage-button',
            'aria-haspopup': 'dialog',
            'data-testid': 'storage',
            onclick: () => actions.openStorage(),
          },
          icon('disk'),
          this.#storage,
        ),
        this.#trash,
      ),
    );
    this.#list.addEventListener('keydown', (event) => this.#onKey(event));
    this.#list.addEventListener('focusin', (event) => {
      const row = this.#order.find((each) => each.element.contains(event.target as Node));
      if (row) this.#setActive(row.id);
    });
    this.#watcher = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting && model.state === 'ready') void model.more();
      },
      { root: this.#scroller, rootMargin: '0px 0px 400px 0px' },
    );
    this.#keepTime();
  }

  /** Shows the list as it now is. */
  render(): void {
    const { model } = this;
    const focused = this.#order.findIndex((row) => row.element.contains(document.activeElement));
    this.#order = model.rows.map((conversation) => this.#rowOf(conversation));
    const kept = new Set(this.#order);
    for (const [id, row] of this.#rows) {
      if (!kept.has(row)) this.#rows.delete(id);
    }
    arrange(
      this.#list,
      this.#order.map((row) => row.element),
    );
    if (this.#active === undefined || !this.#rows.has(this.#active)) {
      const current = this.#order.find((row) => row.id === this.#current);
      this.#setActive((current ?? this.#order[0])?.id);
    }
    this.#list.setAttribute('aria-busy', String(model.state === 'loading'));
    this.#list.hidden = model.rows.length === 0;
    // The row that had the focus is gone: the one that took its place gets it.
    if (focused !== -1 && !this.#list.contains(document.activeElement)) {
      this.focusRow((this.#order[focused] ?? this.#order.at(-1))?.id);
    }
    this.#renderFilter();
    this.#renderNote(model.rows.length === 0);
    // Observing anew asks again whether the end is in sight, which it may still be.
    this.#watcher.disconnect();
    if (model.state === 'ready' && model.hasMore) this.#watcher.observe(this.#sentinel);
  }

  /** Shows what was found, in the place of the chats, or the chats again. */
  renderSearch(): void {
    this.search.render();
    this.#scroller.hidden = this.search.isOn;
  }

  /** Marks what is open. */
  setCurrent(route: Route): void {
    const id = route.view === 'chat' ? route.id : undefined;
    this.search.setCurrent(id);
    if (route.view === 'trash') this.#trash.setAttribute('aria-current', 'page');
    else this.#trash.removeAttribute('aria-current');
    if (this.#current !== undefined) this.#rows.get(this.#current)?.setCurrent(false);
    this.#current = id;
    if (id === undefined) return;
    const row = this.#rows.get(id);
    row?.setCurrent(true);
    if (row) this.#setActive(id);
  }

  /** Puts the focus on the row in the tab order, or on New if there is none; on a hit, where they are shown. */
  focus(): void {
    if (this.search.isOn) {
      this.search.focus();
      return;
    }
    const row = this.#active === undefined ? undefined : this.#rows.get(this.#active);
    (row?.link ?? this.#new).focus();
  }

  get hasFocus(): boolean {
    return this.element.contains(document.activeElement);
  }

  /** The row that takes the focus when this one goes. */
  neighbour(id: number): number | undefined {
    const index = this.#order.findIndex((row) => row.id === id);
    return (this.#order[index + 1] ?? this.#order[index - 1])?.id;
  }

  focusRow(id: number | undefined): void {
    if (id !== undefined && this.#rows.has(id)) this.#setActive(id);
    this.focus();
  }

  setStorage(words: string): void {
    this.#storage.textContent = words;
  }

  #rowOf(conversation: Conversation): Row {
    let row = this.#rows.get(conversation.id);
    if (row) {
      // The list keeps a row's object as long as nothing of it has changed.
      if (row.conversation !== conversation) row.update(conversation);
      return row;
    }
    row = new Row(conversation, this.actions);
    row.setTabbable(false);
    this.#rows.set(conversation.id, row);
    if (conversation.id === this.#current) {
      row.setCurrent(true);
      this.#setActive(conversation.id);
    }
    return row;
  }

  #setActive(id: number | undefined): void {
    if (this.#active !== undefined) this.#rows.get(this.#active)?.setTabbable(false);
    this.#active = id;
    if (id !== undefined) this.#rows.get(id)?.setTabbable(true);
  }

  #renderFilter(): void {
    const { brain } = this.model;
    const brains = [...this.model.brains].sort((a, b) => a.localeCompare(b));
    this.#filterBar.hidden = brains.length < 2 && brain === undefined;
    const known = [...this.#filter.options].slice(1).map((option) => option.value);
    if (this.#filter.length === 0 || known.join('\0') !== brains.join('\0')) {
      this.#filter.replaceChildren(
        h('option', { value: '' }, t('sidebar.all')),
        ...brains.map((name) => h('option', { value: name }, shorten(name, 60))),
      );
    }
    this.#filter.selectedIndex = brain === undefined ? 0 : brains.indexOf(brain) + 1;
  }

  #renderNote(isEmpty: boolean): void {
    const { state, error, hasMore, brain } = this.model;
    this.#note.dataset.state = state;
    if (state === 'error') {
      this.#note.replaceChildren(
        h('p', {}, t('sidebar.unreadable', { why: because(error) })),
        h(
          'button',
          { type: 'button', class: 'button', onclick: () => void this.model.more() },
          t('common.tryAgain'),
        ),
      );
    } else if (state === 'loading' && isEmpty) {
      const bones = Array.from({ length: 4 }, () => h('span', { class: 'bone' }));
      this.#note.replaceChildren(h('p', { class: 'unseen' }, t('sidebar.loading')), ...bones);
    } else if (isEmpty && !hasMore && brain !== undefined) {
      this.#note.replaceChildren(
        h('p', { dir: 'auto' }, t('sidebar.noneOf', { brain: shorten(brain, 40) })),
        h(
          'button',
          { type: 'button', class: 'button', onclick: () => this.actions.filter(undefined) },
          t('sidebar.showAll'),
        ),
      );
    } else if (isEmpty && !hasMore) {
      this.#note.replaceChildren(
        h('p', { class: 'list-note-title' }, t('sidebar.empty')),
        h('p', {}, t('sidebar.emptyText')),
        h('a', { class: 'button', href: hashOf({ view: 'new' }) }, t('sidebar.startFirst')),
      );
    } else if (state === 'loading') {
      this.#note.replaceChildren(h('p', {}, t('sidebar.loadingMore')));
    } else {
      this.#note.replaceChildren();
    }
  }

  #onKey(event: KeyboardEvent): void {
    if (isComposing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const index = this.#order.findIndex((row) => row.id === this.#active);
    const row = this.#order[index];
    if (!row) return;
    const to: Partial<Record<string, Row>> = {
      ArrowDown: this.#order[index + 1] ?? row,
      ArrowUp: this.#order[index - 1] ?? row,
      Home: this.#order[0] ?? row,
      End: this.#order.at(-1) ?? row,
    };
    const target = to[event.key];
    if (target) {
      target.link.focus();
    } else if (event.key === 'F2') {
      row.edit();
    } else if (event.key === 'Delete') {
      this.actions.delete(row.id);
    } else {
      return;
    }
    event.preventDefault();
  }

  /** “5 min ago” stays true while the page is looked at. */
  #keepTime(): void {
    const tick = () => {
      if (document.visibilityState !== 'visible') return;
      for (const row of this.#order) row.tick();
    };
    setInterval(tick, 30_000);
    document.addEventListener('visibilitychange', tick);
  }
}
