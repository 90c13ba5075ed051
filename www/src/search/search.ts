// What is looked for, and what was found: the newest question wins, and what was found stays what it
// is in the store, in every tab. Knows no DOM.

import type { ConversationStore, SearchHit } from 'conversation-store';
import type { Period } from '../route.ts';

const PAGE = 20;
// Of one chat, where all its hits are asked for.
const OF_ONE = 100;

const DAYS: Readonly<Record<Period, number>> = { day: 1, week: 7, month: 31, year: 366 };

export class Search {
  #query = '';
  #brain: string | undefined;
  #archived = false;
  #period: Period | undefined;
  #hits: readonly SearchHit[] = [];
  #hasMore = false;
  #error: unknown;
  // Gives up the search under way.
  #asked: AbortController | undefined;
  #running = Promise.resolve();
  // Something was written since the last search began.
  #stale = false;
  #refreshing = false;

  constructor(
    private readonly store: ConversationStore,
    private readonly onChange: () => void,
    private readonly onQuery: () => void,
  ) {
    store.addEventListener('change', () => this.#refresh());
  }

  /** What is looked for; '' if nothing is. */
  get query(): string {
    return this.#query;
  }

  /** How far back it looks; to the beginning if undefined. */
  get period(): Period | undefined {
    return this.#period;
  }

  /** The best of each chat, as last found. */
  get hits(): readonly SearchHit[] {
    return this.#hits;
  }

  /** Whether there are some after the last one. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  get state(): 'searching' | 'ready' | 'error' {
    if (this.#asked) return 'searching';
    return this.#error === undefined ? 'ready' : 'error';
  }

  get error(): unknown {
    return this.#error;
  }

  /** Looks for something else; for nothing if it is blank. */
  find(typed: string): void {
    const query = typed.trim();
    if (query === this.#query) return;
    this.#query = query;
    // What is looked for next is looked for everywhere again.
    if (query === '') this.#period = undefined;
    this.onQuery();
    this.#begin();
  }

  /** Looks only in the chats of one brain, in all if undefined; in archived ones too, or not. */
  filter(brain: string | undefined, archived: boolean): void {
    if (brain === this.#brain && archived === this.#archived) return;
    this.#brain = brain;
    this.#archived = archived;
    this.#begin();
  }

  /** Looks only at what came since; at all if undefined. */
  since(period: Period | undefined): void {
    if (period === this.#period) return;
    this.#period = period;
    this.onQuery();
    this.#begin();
  }

  /** All hits of one chat, best first. */
  within(conversationId: number): Promise<SearchHit[]> {
    return this.store.search(this.#query, { ...this.#narrowed(), conversationId, limit: OF_ONE });
  }

  /** The next hits; after an error, tries again. */
  more(): void {
    if (this.#asked || this.#query === '') return;
    this.#running = this.#error === undefined ? this.#read(this.#hits) : this.#read([]);
  }

  #begin(): void {
    if (this.#query !== '') {
      this.#running = this.#read([]);
      return;
    }
    this.#asked?.abort();
    this.#asked = undefined;
    this.#hits = [];
    this.#hasMore = false;
    this.#error = undefined;
    this.onChange();
  }

  /** Reads `count` hits that follow those that are kept. */
  async #read(kept: readonly SearchHit[], count = PAGE): Promise<void> {
    this.#asked?.abort();
    const asked = new AbortController();
    this.#asked = asked;
    this.onChange();
    const after = kept.at(-1)?.cursor;
    try {
      // One more, to know whether there are more.
      const found = await this.store.search(this.#query, {
        group: true,
        limit: count + 1,
        signal: asked.signal,
        ...(after !== undefined && { after }),
        ...this.#narrowed(),
      });
      if (this.#asked !== asked) return;
      this.#hits = [...kept, ...found.slice(0, count)];
      this.#hasMore = found.length > count;
      this.#error = undefined;
    } catch (error) {
      if (this.#asked !== asked) return;
      this.#error = error;
    }
    this.#asked = undefined;
    this.onChange();
  }

  #narrowed() {
    const days = this.#period && DAYS[this.#period];
    return {
      archived: this.#archived ? (true as const) : ('any' as const),
      ...(this.#brain !== undefined && { brain: this.#brain }),
      ...(days !== undefined && { since: Date.now() - days * 86_400_000 }),
    };
  }

  #refresh(): void {
    if (this.#query === '') return;
    this.#stale = true;
    if (!this.#refreshing) void this.#keepUp();
  }

  /** One search for all that was written in a frame, or while the one before ran. */
  async #keepUp(): Promise<void> {
    this.#refreshing = true;
    while (this.#stale) {
      // A page that is not seen has no frames, and looks when it is seen again.
      await new Promise((resolve) => requestAnimationFrame(resolve));
      await this.#running;
      this.#stale = false;
      if (this.#query === '') continue;
      this.#running = this.#read([], Math.max(PAGE, this.#hits.length));
      await this.#running;
    }
    this.#refreshing = false;
  }
}
