// The conversations of the list, pinned ones first: watches of the store, so they are what they are in
// every tab, and the brains one can choose from. Knows no DOM.

import type {
  ChangeDetail,
  Conversation,
  ConversationQuery,
  ConversationStore,
  Watch,
} from 'conversation-store';

// A page is read at once and with every change: the first is what fills a view, those that follow are
// for who scrolls through thousands.
const FIRST = 50;
const PAGE = 1_000;
const PINNED = 200;
// So many are looked through for their brains.
const SEEN = 1_000;

export class ChatList {
  /** Brains seen so far, 'claude' among them. */
  readonly brains = new Set(['claude']);
  /** Resolves when the first rows have been shown, or cannot be read. */
  readonly first: Promise<void>;
  #isFirst: () => void = () => {};
  #pinned: Watch<Conversation>;
  #all: Watch<Conversation>;
  readonly #put: Watch<Conversation>;
  #changed: () => void = () => {};
  #filtered: () => void = () => {};
  #end: (() => void) | undefined;
  #endAll: (() => void) | undefined;
  #shown:
    | {
        known: readonly Conversation[];
        all: readonly Conversation[];
        pinned: readonly Conversation[];
        others: readonly Conversation[];
      }
    | undefined;
  #widening = false;
  #limit = FIRST;

  /**
   * Reads at once: there is a page to be made meanwhile.
   *
   * @param brain Only those of this brain; all if undefined.
   * @param archived Those that are put away, in the place of the others.
   */
  constructor(
    private readonly store: ConversationStore,
    public brain: string | undefined,
    public archived: boolean,
  ) {
    this.first = new Promise((resolve) => {
      this.#isFirst = resolve;
    });
    // In this order: it is the one in which they are answered.
    this.#pinned = this.#watch({ pinned: true, limit: PINNED });
    this.#all = this.#watch({ limit: FIRST });
    this.#listen();
    this.#put = store.watchConversations({ archived: true, limit: 1 });
    this.#put.subscribe(() => this.#tell());
    store.addEventListener('change', ({ detail }) => void this.#learn(detail).catch(() => {}));
  }

  /**
   * @param changed Rows, state, brains or the filter have changed.
   * @param filtered It is another part of the chats that is shown.
   */
  follow(changed: () => void, filtered: () => void): void {
    this.#changed = changed;
    this.#filtered = filtered;
    changed();
  }

  /** Whether any are archived. */
  get hasArchived(): boolean {
    return this.#put.current.length > 0;
  }

  get pinned(): readonly Conversation[] {
    return this.#split().pinned;
  }

  get others(): readonly Conversation[] {
    return this.#split().others;
  }

  get state(): 'loading' | 'ready' | 'error' {
    const states = [this.#pinned.state, this.#all.state];
    if (states.includes('error')) return 'error';
    return this.#widening || states.includes('loading') ? 'loading' : 'ready';
  }

  get error(): unknown {
    return this.#pinned.error ?? this.#all.error;
  }

  /** Whether there are rows after the last one. */
  get hasMore(): boolean {
    return this.#all.hasMore;
  }

  /** Shows only the chats of one brain; all if undefined. */
  filter(brain: string | undefined, archived = false): void {
    this.brain = brain;
    this.archived = archived;
    this.#end?.();
    this.#endAll?.();
    this.#limit = FIRST;
    this.#pinned = this.#watch({ pinned: true, limit: PINNED });
    this.#all = this.#watch({ limit: FIRST });
    this.#listen();
    this.#tell();
    this.#filtered();
  }

  /** Shows the next page as well; after an error, tries again. */
  async more(): Promise<void> {
    if (this.#widening) return;
    this.#widening = true;
    this.#changed();
    const before = this.#all;
    if (this.#limit === FIRST && before.state !== 'error') await this.#takeLarger(before);
    // What goes wrong is in `error`.
    else await before.more().catch(() => {});
    this.#widening = false;
    this.#changed();
  }

  /** Whether chats of this brain are left out at the moment. */
  hides(brain: string): boolean {
    return this.archived || (this.brain !== undefined && this.brain !== brain);
  }

  /** Whether there is nothing here, whatever the filter; undefined while that is not known. */
  get isEmpty(): boolean | undefined {
    const rows = this.#pinned.current.length + this.#all.current.length;
    if (rows > 0 || this.brain !== undefined || this.archived) return false;
    const isKnown = this.state === 'ready' && this.#put.state === 'ready';
    return isKnown ? !this.hasArchived : undefined;
  }

  find(id: number): Conversation | undefined {
    return [...this.pinned, ...this.others].find((row) => row.id === id);
  }

  /** Looks through the newest chats for brains to offer, beyond the rows on show. */
  async seeMore(): Promise<void> {
    this.#see(await this.store.listConversations({ limit: SEEN, archived: 'any' }));
    this.#changed();
  }

  /** A watch of larger pages in the place of the first, whose rows stay until those are there. */
  #takeLarger(before: Watch<Conversation>): Promise<void> {
    const larger = this.#watch({ limit: PAGE });
    return new Promise((resolve) => {
      const end = larger.subscribe((rows) => {
        if (larger.state === 'loading') return;
        // Another filter was chosen meanwhile, or it was not to be had: what there is stays.
        if (this.#all === before && larger.state === 'ready') {
          this.#endAll?.();
          this.#limit = PAGE;
          this.#all = larger;
          this.#endAll = end;
        }
        if (this.#all === larger) this.#show(rows);
        else queueMicrotask(end);
        resolve();
      });
    });
  }

  /**
   * One watch changes after the other: a chat that is pinned in either is, so that it is never nowhere
   * for a moment, nor at two places.
   */
  #split(): { pinned: readonly Conversation[]; others: readonly Conversation[] } {
    const [known, all] = [this.#pinned.current, this.#all.current];
    if (this.#shown?.known === known && this.#shown.all === all) return this.#shown;
    const ids = new Set(known.map(({ id }) => id));
    const pinned = [...known, ...all.filter((row) => row.pinned && !ids.has(row.id))];
    const others = all.filter((row) => !row.pinned && !ids.has(row.id));
    this.#shown = { known, all, pinned, others };
    return this.#shown;
  }

  #listen(): void {
    this.#end = this.#pinned.subscribe((rows) => this.#show(rows));
    this.#endAll = this.#all.subscribe((rows) => this.#show(rows));
  }

  #watch(query: ConversationQuery): Watch<Conversation> {
    const { brain, archived } = this;
    return this.store.watchConversations({
      ...query,
      archived,
      ...(brain !== undefined && { brain }),
    });
  }

  #show(rows: readonly Conversation[]): void {
    this.#see(rows);
    // Half of what is to be shown is not shown.
    if (this.#pinned.state !== 'loading' && this.#all.state !== 'loading') this.#tell();
  }

  #tell(): void {
    this.#changed();
    if (this.state !== 'loading' && this.#put.state !== 'loading') this.#isFirst();
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
      this.#changed();
    }
  }

  #see(conversations: readonly Conversation[]): void {
    for (const { brain } of conversations) this.brains.add(brain);
  }
}
