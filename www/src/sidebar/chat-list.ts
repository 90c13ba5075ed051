// The conversations of the list: a watch of the store, so they are what they are in every tab, and
// the brains one can choose from. Knows no DOM.

import type { ChangeDetail, Conversation, ConversationStore, Watch } from 'conversation-store';

const PAGE = 50;
// So many are looked through for their brains.
const SEEN = 1_000;

export class ChatList {
  /** Only those of this brain; all if undefined. */
  brain: string | undefined;
  /** Brains seen so far, 'claude' among them. */
  readonly brains = new Set(['claude']);
  #watch: Watch<Conversation>;
  #unsubscribe: (() => void) | undefined;
  #widening = false;

  constructor(
    private readonly store: ConversationStore,
    private readonly onChange: () => void,
  ) {
    this.#watch = store.watchConversations({ limit: PAGE });
    store.addEventListener('change', ({ detail }) => void this.#learn(detail).catch(() => {}));
  }

  get rows(): readonly Conversation[] {
    return this.#watch.current;
  }

  get state(): 'loading' | 'ready' | 'error' {
    return this.#widening ? 'loading' : this.#watch.state;
  }

  get error(): unknown {
    return this.#watch.error;
  }

  /** Whether there are rows after the last one. */
  get hasMore(): boolean {
    return this.#watch.hasMore;
  }

  /** Shows only the chats of one brain; all if undefined. */
  filter(brain: string | undefined): void {
    this.brain = brain;
    this.#unsubscribe?.();
    this.#watch = this.store.watchConversations({
      limit: PAGE,
      ...(brain !== undefined && { brain }),
    });
    this.#unsubscribe = this.#watch.subscribe((rows) => {
      this.#see(rows);
      this.onChange();
    });
  }

  /** Shows the next page as well; after an error, tries again. */
  async more(): Promise<void> {
    if (this.#widening) return;
    this.#widening = true;
    this.onChange();
    // What goes wrong is in `error`.
    await this.#watch.more().catch(() => {});
    this.#widening = false;
    this.onChange();
  }

  find(id: number): Conversation | undefined {
    return this.rows.find((row) => row.id === id);
  }

  /** Looks through the newest chats for brains to offer, beyond the rows on show. */
  async seeMore(): Promise<void> {
    this.#see(await this.store.listConversations({ limit: SEEN }));
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
