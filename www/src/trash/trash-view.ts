// The trash: the chats in it, as a watch of the store has them; back to the list, or away for good.

import type { Conversation, ConversationStore, Watch } from 'conversation-store';
import { backLink } from '../chat/back-link.ts';
import { ask } from '../dialog.ts';
import { arrange, h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { languageOf, shorten } from '../text.ts';
import { ago, inFull } from '../times.ts';
import type { View } from '../view.ts';
import { because, titleOf } from '../words.ts';
import './trash.css';

const PAGE = 50;

export interface TrashActions {
  restore: (id: number) => Promise<boolean>;
  deleteForGood: (conversation: Conversation) => Promise<void>;
  emptyTrash: () => Promise<void>;
}

export class TrashView implements View {
  readonly element: HTMLElement;
  readonly heading = h('h2', { class: 'chat-title', tabindex: -1 }, t('trash.title'));
  readonly #list = h('ul', { class: 'trash-list', 'data-testid': 'trash-list' });
  readonly #note = h('div', { class: 'trash-note', 'data-testid': 'trash-note' });
  readonly #more = h(
    'button',
    { type: 'button', class: 'button trash-more', hidden: true },
    t('trash.more'),
  );
  readonly #empty = h(
    'button',
    { type: 'button', class: 'button', hidden: true },
    t('trash.emptyIt'),
  );
  readonly #watch: Watch<Conversation>;
  readonly #unsubscribe: () => void;
  readonly #items = new Map<Conversation, HTMLElement>();

  constructor(
    store: ConversationStore,
    private readonly actions: TrashActions,
  ) {
    this.#empty.dataset.testid = 'empty-trash';
    this.#empty.addEventListener('click', () => void this.#emptyAll());
    this.element = h(
      'div',
      { class: 'view', 'data-testid': 'trash' },
      h(
        'header',
        { class: 'chat-head' },
        backLink(),
        h('div', { class: 'chat-name' }, this.heading),
        this.#empty,
      ),
      h(
        'div',
        { class: 'scroller' },
        h('div', { class: 'column' }, this.#note, this.#list, this.#more),
      ),
    );
    this.#watch = store.watchConversations({ trashed: true, archived: 'any', limit: PAGE });
    this.#more.addEventListener('click', () => void this.#watch.more().catch(() => {}));
    this.#unsubscribe = this.#watch.subscribe((rows) => this.#render(rows));
  }

  focus(): void {
    (this.#list.querySelector('button') ?? this.heading).focus();
  }

  dispose(): void {
    this.#unsubscribe();
  }

  #render(rows: readonly Conversation[]): void {
    const shown = [...this.#list.children];
    const focused = shown.findIndex((item) => item.contains(document.activeElement));
    const items = rows.map((row) => this.#items.get(row) ?? this.#itemOf(row));
    this.#items.clear();
    for (const [index, row] of rows.entries()) this.#items.set(row, items[index] as HTMLElement);
    arrange(this.#list, items);
    if (focused !== -1 && !this.#list.contains(document.activeElement)) {
      const next = items[focused] ?? items.at(-1);
      (next?.querySelector('button') ?? this.heading).focus();
    }
    const { state, error, hasMore } = this.#watch;
    this.#more.hidden = !hasMore;
    this.#empty.hidden = rows.length === 0;
    this.#note.hidden = state === 'loading';
    this.#note.replaceChildren(...words(state === 'error' ? error : undefined, rows.length === 0));
  }

  #itemOf(conversation: Conversation): HTMLElement {
    const { id, brain, trashedAt, messageCount } = conversation;
    const title = titleOf(conversation);
    const name = shorten(title, 60);
    const since = trashedAt ?? conversation.updatedAt;
    return h(
      'li',
      { class: 'trash-item', 'data-testid': 'trashed' },
      h(
        'div',
        { class: 'trash-name' },
        h(
          'span',
          { class: 'row-title', dir: 'auto', lang: languageOf(title) },
          shorten(title, 200),
        ),
        h(
          'span',
          { class: 'row-meta' },
          h('span', { class: 'badge', dir: 'auto' }, shorten(brain, 60)),
          h('span', {}, t('common.messages', { count: messageCount })),
          h('time', { class: 'row-time', datetime: since, title: inFull(since) }, ago(since)),
        ),
      ),
      h(
        'button',
        {
          type: 'button',
          class: 'button',
          'aria-label': t('trash.restoreNamed', { name }),
          onclick: () => void this.actions.restore(id),
        },
        t('trash.restore'),
      ),
      h(
        'button',
        {
          type: 'button',
          class: 'button button-quiet-danger',
          'aria-label': t('trash.deleteNamed', { name }),
          onclick: () => void this.#delete(conversation, name),
        },
        t('trash.delete'),
      ),
    );
  }

  async #delete(conversation: Conversation, name: string): Promise<void> {
    const yes = await ask({
      title: t('trash.askDelete'),
      text: t('trash.askDeleteText', { name }),
      yes: t('trash.deleteForGood'),
    });
    if (yes) await this.actions.deleteForGood(conversation);
  }

  async #emptyAll(): Promise<void> {
    const yes = await ask({
      title: t('trash.askEmpty'),
      text: t('trash.askEmptyText'),
      yes: t('trash.emptyIt'),
    });
    if (!yes) return;
    await this.actions.emptyTrash();
    this.heading.focus();
  }
}

function words(error: unknown, isEmpty: boolean): Node[] {
  if (error !== undefined) {
    return [h('p', { role: 'alert' }, t('trash.unreadable', { why: because(error) }))];
  }
  if (!isEmpty) return [h('p', {}, t('trash.kept'))];
  return [h('p', { class: 'note-title' }, t('trash.empty')), h('p', {}, t('trash.emptyText'))];
}
