// The list of chats with what belongs to it: New, the search, the brain filter, the way to the storage
// panel.
// Shows what ChatList has read, in groups of days; asks others to change anything.

import type { Conversation } from 'conversation-store';
import { h, isComposing } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { hashOf, type Route } from '../route.ts';
import type { SearchPanel } from '../search/search-panel.ts';
import { shorten } from '../text.ts';
import { ago, dayGroup, dayKey } from '../times.ts';
import { VirtualList, type VirtualRows } from '../virtual-list.ts';
import { because } from '../words.ts';
import type { ChatList } from './chat-list.ts';
import { languageButton } from './language.ts';
import { Row, type RowActions } from './row.ts';

export interface SidebarActions extends RowActions {
  filter: (brain: string | undefined, archived: boolean) => void;
  openStorage: () => void;
}

/** What stands in the list: the name of a group, or a chat. */
type Item = { key: string; title: string } | { key: number; conversation: Conversation };

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
  readonly #backup = h('span', { class: 'backup-words', 'data-testid': 'last-backup' });
  readonly #archived = h('button', {
    type: 'button',
    class: 'button small toggle',
    'data-testid': 'show-archived',
  });
  // Of the chats that are in the page.
  readonly #rows = new Map<number, Row>();
  readonly #heads = new Map<string, HTMLElement>();
  readonly #virtual: VirtualList;
  readonly #watcher: IntersectionObserver;
  #items: Item[] = [];
  #places = new Map<string | number, number>();
  // The chats in their order.
  #order: number[] = [];
  #current: number | undefined;
  // To be brought into sight.
  #made: number | undefined;
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
      const brain = this.#filter.selectedIndex === 0 ? undefined : this.#filter.value;
      actions.filter(brain, model.archived);
    });
    this.#archived.append(icon('archive'), t('sidebar.showArchived'));
    this.#archived.addEventListener('click', () => actions.filter(model.brain, !model.archived));
    this.#filterBar = h(
      'div',
      { class: 'filter' },
      h('label', { for: 'filter' }, t('common.brain')),
      this.#filter,
      this.#archived,
    );
    this.#scroller = h(
      'div',
      { class: 'list', 'data-testid': 'list-scroller' },
      this.#list,
      this.#note,
      this.#sentinel,
    );
    this.element = h(
      'nav',
      { class: 'sidebar', 'aria-label': t('sidebar.label') },
      h(
        'div',
        { class: 'sidebar-head' },
        h('p', { class: 'sidebar-title' }, t('sidebar.title')),
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
          h('span', {}, this.#storage, this.#backup),
        ),
        this.#trash,
        languageButton(),
      ),
    );
    this.#list.addEventListener('keydown', (event) => this.#onKey(event));
    this.#list.addEventListener('focusin', (event) => {
      const row = [...this.#rows.values()].find((each) =>
        each.element.contains(event.target as Node),
      );
      if (row) this.#setActive(row.id);
    });
    this.#virtual = new VirtualList(this.#scroller, this.#list, this.#virtualRows());
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
    const focused = this.#order.findIndex((id) =>
      this.#rows.get(id)?.element.contains(document.activeElement),
    );
    this.#items = itemsOf(model.pinned, model.others);
    const before = this.#places;
    this.#places = new Map(this.#items.map(({ key }, index) => [key, index]));
    this.#order = this.#items.flatMap(({ key }) => (typeof key === 'number' ? [key] : []));
    const isEmpty = this.#order.length === 0;
    this.#list.hidden = isEmpty;
    const current = this.#current !== undefined && this.#places.has(this.#current);
    // What was opened before it was in the list is where one is.
    const isNew = current && !before.has(this.#current ?? '');
    if (isNew || this.#active === undefined || !this.#places.has(this.#active)) {
      this.#setActive(current ? this.#current : this.#order[0]);
    }
    this.#virtual.render();
    this.#list.setAttribute('aria-busy', String(model.state === 'loading'));
    // The row that had the focus is gone: the one that took its place gets it.
    if (focused !== -1 && !this.#list.contains(document.activeElement)) {
      this.focusRow(this.#order[focused] ?? this.#order.at(-1));
    }
    this.#showMade();
    this.#renderFilter();
    this.#renderNote(isEmpty);
    // Observing anew asks again whether the end is in sight, which it may still be.
    this.#watcher.disconnect();
    if (model.state === 'ready' && model.hasMore) this.#watcher.observe(this.#sentinel);
  }

  #virtualRows(): VirtualRows {
    const sidebar = this;
    return {
      get count() {
        return sidebar.#items.length;
      },
      key: (index) => this.#items[index]?.key ?? index,
      indexOf: (key) => this.#places.get(key),
      elements: (index) => {
        const item = this.#items[index];
        if (!item) return [];
        return [
          'conversation' in item ? this.#rowOf(item.conversation).element : this.#headOf(item),
        ];
      },
      // As the style sheet has them; those in the page are measured.
      estimate: (index) => (typeof this.#items[index]?.key === 'string' ? 34 : 58),
      kept: () => {
        const active = this.#active === undefined ? undefined : this.#places.get(this.#active);
        return active === undefined ? [] : [active];
      },
      placed: () => {
        for (const [id, row] of this.#rows) {
          if (!row.element.isConnected) this.#rows.delete(id);
        }
        for (const [key, head] of this.#heads) {
          if (!head.isConnected) this.#heads.delete(key);
        }
      },
    };
  }

  #headOf({ key, title }: { key: string; title: string }): HTMLElement {
    const head = this.#heads.get(key) ?? h('li', { class: 'row-group', 'data-testid': 'group' });
    this.#heads.set(key, head);
    if (head.textContent !== title) head.textContent = title;
    return head;
  }

  /** A row, brought into the page if it is not. */
  /** Brings a chat that was just made into sight, now or when it is in the list. */
  reveal(id: number): void {
    this.#made = id;
    this.#showMade();
  }

  #showMade(): void {
    const row = this.#reach(this.#made);
    if (!row) return;
    this.#made = undefined;
    row.element.scrollIntoView({ block: 'nearest' });
  }

  #reach(id: number | undefined): Row | undefined {
    if (id === undefined) return undefined;
    const index = this.#places.get(id);
    if (index === undefined) return undefined;
    this.#virtual.reach(index);
    return this.#rows.get(id);
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
    this.#rows.get(id)?.setCurrent(true);
    if (this.#places.has(id)) this.#setActive(id);
  }

  /** Puts the focus on the row in the tab order, or on New if there is none; on a hit, where they are shown. */
  focus(): void {
    if (this.search.isOn) {
      this.search.focus();
      return;
    }
    (this.#reach(this.#active)?.link ?? this.#new).focus();
  }

  get hasFocus(): boolean {
    return this.element.contains(document.activeElement);
  }

  /** The row that takes the focus when this one goes. */
  neighbour(id: number): number | undefined {
    const index = this.#order.indexOf(id);
    return this.#order[index + 1] ?? this.#order[index - 1];
  }

  focusRow(id: number | undefined): void {
    if (id !== undefined && this.#places.has(id)) this.#setActive(id);
    this.focus();
  }

  /** How the chats are kept, and how old the last backup is. */
  setStorage(words: string): void {
    this.#storage.textContent = words;
  }

  setBackup(last: string | undefined): void {
    this.#backup.textContent = last
      ? t('storage.lastBackup', { when: ago(last) })
      : t('storage.noBackup');
  }

  #rowOf(conversation: Conversation): Row {
    let row = this.#rows.get(conversation.id);
    if (row) {
      // The list keeps a row's object as long as nothing of it has changed.
      if (row.conversation !== conversation) row.update(conversation);
      return row;
    }
    row = new Row(conversation, this.actions);
    this.#rows.set(conversation.id, row);
    row.setTabbable(conversation.id === this.#active);
    if (conversation.id === this.#current) row.setCurrent(true);
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
    const { archived, hasArchived } = this.model;
    this.#archived.hidden = !archived && !hasArchived;
    this.#archived.setAttribute('aria-pressed', String(archived));
    this.#filterBar.hidden = brains.length < 2 && brain === undefined && this.#archived.hidden;
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
    const { state, error, hasMore, brain, archived } = this.model;
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
          {
            type: 'button',
            class: 'button',
            onclick: () => this.actions.filter(undefined, archived),
          },
          t('sidebar.showAll'),
        ),
      );
    } else if (isEmpty && !hasMore && archived) {
      this.#note.replaceChildren(h('p', {}, t('sidebar.emptyArchive')));
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
    const index = this.#active === undefined ? -1 : this.#order.indexOf(this.#active);
    const id = this.#order[index];
    if (id === undefined) return;
    const last = this.#order.length - 1;
    const page = Math.max(1, Math.floor(this.#scroller.clientHeight / 58) - 1);
    const to: Partial<Record<string, number>> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: last,
    };
    const target = to[event.key];
    if (target !== undefined) {
      this.#reach(this.#order[Math.max(0, Math.min(target, last))])?.link.focus();
    } else if (event.key === 'F2') {
      this.#rows.get(id)?.edit();
    } else if (event.key === 'Delete') {
      this.actions.delete(id);
    } else {
      return;
    }
    event.preventDefault();
  }

  /** “5 min ago” stays true while the page is looked at. */
  #keepTime(): void {
    const tick = () => {
      if (document.visibilityState !== 'visible') return;
      for (const row of this.#rows.values()) row.tick();
    };
    setInterval(tick, 30_000);
    document.addEventListener('visibilitychange', tick);
  }
}

/** Pinned chats first, then a group for each day of this week and for each month before. */
function itemsOf(pinned: readonly Conversation[], others: readonly Conversation[]): Item[] {
  const items: Item[] = [];
  if (pinned.length > 0) items.push({ key: 'pinned', title: t('sidebar.pinned') });
  for (const conversation of pinned) items.push({ key: conversation.id, conversation });
  let day = '';
  let group = '';
  for (const conversation of others) {
    const { id, updatedAt } = conversation;
    const key = dayKey(updatedAt);
    if (key !== day) {
      day = key;
      const title = dayGroup(updatedAt);
      if (title !== group) items.push({ key: `group ${title}`, title });
      group = title;
    }
    items.push({ key: id, conversation });
  }
  return items;
}
