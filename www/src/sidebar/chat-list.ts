// The conversations of the list, pinned ones first: watches of the store, so they are what they are in
// every tab, and the brains one can choose from. Knows no DOM.

import type { ChangeDetail, Conversation, ConversationStore, Watch } from 'conversation-store';

// A page is read at once and with every change: the first is what fills a view, those that follow are
// for who scrolls through thousands.
const FIRST = 50;
const PAGE = 1_000;
const PINNED = 200;
// So many are looked through for their brains.
const SEEN = 1_000;

export class ChatList {
  /** Only those of this brain; all if undefined. */
  brain: string | undefined;
  /** Those that are put away, in the place of the others. */
  archived = false;
  /** Brains seen so far, 'claude' among them. */
  readonly brains = new Set(['claude']);
  /** Whether any are archived. */
  hasArchived = false;
  #pinned: Watch<Conversation>;
  #others: Watch<Conversation>;
  #end: (() => void) | undefined;
  #endOthers: (() => void) | undefined;
  #widening = false;
  #limit = FIRST;

  /**
   * @param onChange Rows, state, brains or the filter have changed.
   * @param onFilter It is another part of the chats that is shown.
   */
  constructor(
    private readonly store: ConversationStore,
    private readonly onChange: () => void,
    private readonly onFilter: () => void,
  ) {
    this.#pinned = this.#watch(true, PINNED);
    this.#others = this.#watch(false, FIRST);
    store.addEventListener('change', ({ detail }) => void this.#learn(detail).catch(() => {}));
    store.watchConversations({ archived: true, limit: 1 }).subscribe((rows) => {
      if (this.hasArchived === rows.length > 0) return;
      this.hasArchived = rows.length > 0;
      onChange();
    });
  }

  get pinned(): readonly Conversation[] {
    return this.#pinned.current;
  }

  get others(): readonly Conversation[] {
    return this.#others.current;
  }

  get state(): 'loading' | 'ready' | 'error' {
    const states = [this.#pinned.state, this.#others.state];
    if (states.includes('error')) return 'error';
    return this.#widening || states.includes('loading') ? 'loading' : 'ready';
  }

  get error(): unknown {
    return this.#pinned.error ?? this.#others.error;
  }

  /** Whether there are rows after the last one. */
  get hasMore(): boolean {
    return this.#others.hasMore;
  }

  /** Shows only the chats of one brain; all if undefined. */
  filter(brain: string | undefined, archived = false): void {
    this.brain = brain;
    this.archived = archived;
    this.#end?.();
    this.#endOthers?.();
    this.#limit = FIRST;
    this.#pinned = this.#watch(true, PINNED);
    this.#others = this.#watch(false, FIRST);
    this.#end = this.#pinned.subscribe((rows) => this.#show(rows));
    this.#endOthers = this.#others.subscribe((rows) => this.#show(rows));
    this.onFilter();
  }

  /** Shows the next page as well; after an error, tries again. */
  async more(): Promise<void> {
    if (this.#widening) return;
    this.#widening = true;
    this.onChange();
    const before = this.#others;
    if (this.#limit === FIRST && before.state !== 'error') await this.#takeLarger(before);
    // What goes wrong is in `error`.
    else await before.more().catch(() => {});
    this.#widening = false;
    this.onChange();
  }

  find(id: number): Conversation | undefined {
    return [...this.pinned, ...this.others].find((row) => row.id === id);
  }

  /** Looks through the newest chats for brains to offer, beyond the rows on show. */
  async seeMore(): Promise<void> {
    this.#see(await this.store.listConversations({ limit: SEEN, archived: 'any' }));
    this.onChange();
  }

  /** A watch of larger pages in the place of the first, whose rows stay until those are there. */
  #takeLarger(before: Watch<Conversation>): Promise<void> {
    const larger = this.#watch(false, PAGE);
    return new Promise((resolve) => {
      const end = larger.subscribe((rows) => {
        if (larger.state === 'loading') return;
        // Another filter was chosen meanwhile, or it was not to be had: what there is stays.
        if (this.#others === before && larger.state === 'ready') {
          this.#endOthers?.();
          this.#limit = PAGE;
          this.#others = larger;
          this.#endOthers = end;
        }
        if (this.#others === larger) this.#show(rows);
        else queueMicrotask(end);
        resolve();
      });
    });
  }

  #watch(pinned: boolean, limit: number): Watch<Conversation> {
    const { brain, archived } = this;
    return this.store.watchConversations({
      limit,
      pinned,
      archived,
      ...(brain !== undefined && { brain }),
    });
  }

  #show(rows: readonly Conversation[]): void {
    this.#see(rows);
    this.onChange();
  }

  /** What the filter leaves out may have a brain that is not known yet. */
  async #learn({ reset, changes }: ChangeDetail): Promise<void> {
    if (reset) {
      this.brains.clear();
      this.brains.add('claude');
      await this.seeMore();
    } else if (this.brain !== undefined) {
      const ids = changes.flatMap(({ kind, id }) => (kind === 'conversation' ? [id] : []));
      const changed = await Promise.all(
        [...new Set(ids)].map((id) => this.store.getConversation(id)),
      );
      this.#see(changed.filter((conversation) => conversation !== undefined));
      this.onChange();
    }
  }

  #see(conversations: readonly Conversation[]): void {
    for (const { brain } of conversations) this.brains.add(brain);
  }
}
