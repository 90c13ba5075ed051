// One conversation in the list: a link to it, and a menu of what can be done with it. Knows no store.

import type { Conversation } from 'conversation-store';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { inlineEdit } from '../inline-edit.ts';
import { type MenuItem, menuButton } from '../menu.ts';
import { hashOf } from '../route.ts';
import { languageOf, shorten } from '../text.ts';
import { ago, inFull, inGroup } from '../times.ts';
import { titleOf } from '../words.ts';

export interface RowActions {
  rename: (id: number, title: string) => Promise<boolean>;
  pin: (conversation: Conversation) => void;
  archive: (conversation: Conversation) => void;
  delete: (id: number) => void;
}

export class Row {
  readonly element: HTMLLIElement;
  readonly link: HTMLAnchorElement;
  readonly #title = h('span', { class: 'row-title', dir: 'auto', 'data-testid': 'row-title' });
  readonly #brain = h('span', { class: 'badge', dir: 'auto', 'data-testid': 'row-brain' });
  readonly #time = h('time', { class: 'row-time' });
  readonly #menu: HTMLButtonElement;
  #conversation: Conversation;
  #editing = false;

  constructor(
    conversation: Conversation,
    private readonly actions: RowActions,
  ) {
    this.#conversation = conversation;
    this.link = h(
      'a',
      { class: 'row-link', href: hashOf({ view: 'chat', id: conversation.id }) },
      this.#title,
      h('span', { class: 'row-meta' }, this.#brain, this.#time),
    );
    this.#menu = menuButton('', () => this.#offer(), { 'data-testid': 'row-menu' });
    this.element = h(
      'li',
      { class: 'row', 'data-testid': 'conversation' },
      this.link,
      h('span', { class: 'row-actions' }, this.#menu),
    );
    this.update(conversation);
  }

  get conversation(): Conversation {
    return this.#conversation;
  }

  get id(): number {
    return this.#conversation.id;
  }

  update(conversation: Conversation): void {
    this.#conversation = conversation;
    const title = titleOf(conversation);
    const name = shorten(title, 60);
    // A title may have 10,000 characters; the row shows the start of it.
    this.#title.textContent = shorten(title, 200);
    this.#title.lang = languageOf(title) ?? '';
    this.#title.toggleAttribute('data-untitled', conversation.title.trim() === '');
    this.#brain.textContent = shorten(conversation.brain, 60);
    this.#menu.setAttribute('aria-label', t('sidebar.actions', { name }));
    this.element.toggleAttribute('data-pinned', conversation.pinned);
    this.tick();
  }

  /** Brings the relative time up to date. */
  tick(): void {
    const { updatedAt } = this.#conversation;
    this.#time.dateTime = updatedAt;
    this.#time.title = inFull(updatedAt);
    const { pinned } = this.#conversation;
    this.#time.textContent = pinned ? ago(updatedAt) : inGroup(updatedAt);
  }

  /** Whether this is the open chat. */
  setCurrent(current: boolean): void {
    if (current) this.link.setAttribute('aria-current', 'page');
    else this.link.removeAttribute('aria-current');
  }

  /** Only one row of the list is in the tab order; arrow keys lead to the others. */
  setTabbable(tabbable: boolean): void {
    for (const element of [this.link, this.#menu]) {
      element.tabIndex = tabbable ? 0 : -1;
    }
  }

  #offer(): MenuItem[] {
    const conversation = this.#conversation;
    const { id, pinned, archived } = conversation;
    return [
      { label: t('sidebar.rename'), icon: 'pencil', run: () => this.edit() },
      {
        label: t(pinned ? 'sidebar.unpin' : 'sidebar.pin'),
        icon: 'pin',
        run: () => this.actions.pin(conversation),
      },
      {
        label: t(archived ? 'sidebar.unarchive' : 'sidebar.archive'),
        icon: 'archive',
        run: () => this.actions.archive(conversation),
      },
      {
        label: t('sidebar.delete'),
        icon: 'trash',
        danger: true,
        run: () => this.actions.delete(id),
      },
    ];
  }

  edit(): void {
    if (this.#editing) return;
    this.#editing = true;
    const input = inlineEdit({
      value: this.#conversation.title,
      label: t('common.title'),
      maxLength: 10_000,
      save: (title) => this.actions.rename(this.id, title),
      done: (byKey) => {
        this.#editing = false;
        input.remove();
        this.element.classList.remove('row-editing');
        if (byKey) this.link.focus();
      },
    });
    this.element.classList.add('row-editing');
    this.element.prepend(input);
    input.focus();
    input.select();
  }
}
