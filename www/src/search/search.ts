// What is looked for, and what was found: the newest question wins, and what was found stays what it
// is in the store, in every tab. Knows no DOM.

import type { ConversationStore, SearchHit } from 'conversation-store';

const PAGE = 20;

export class Search {
  #query = '';
  #brain: string | undefined;
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
  ) {
    store.addEventListener('change', () => this.#refresh());
  }

  /** What is looked for; '' if nothing is. */
  get query(): string {
    return this.#query;
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
    this.#begin();
  }

  /** Looks only in the chats of one brain; in all if undefined. */
  filter(brain: string | undefined): void {
    this.#brain = brain;
    this.#begin();
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
        ...(this.#brain !== undefined && { brain: this.#brain }),
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
