// The conversations that have been read so far, in the store's order, page by page. Knows no DOM
// and does not say what is hidden because it is about to be deleted.

import type { Conversation, ConversationStore } from 'conversation-store';

const PAGE = 50;
// So many are looked through for their brains.
const SEEN = 1_000;

type Cursor = Pick<Conversation, 'id' | 'updatedAt'>;

export class ChatList {
  rows: Conversation[] = [];
  /** Only those of this brain; all if undefined. */
  brain: string | undefined;
  state: 'loading' | 'ready' | 'error' = 'loading';
  error: unknown;
  /** Whether there may be rows after the last one read. */
  hasMore = true;
  /** Brains seen so far, 'claude' among them. */
  readonly brains = new Set(['claude']);

  // The last row of the last page as it was read: it stays the right place to go on from when the
  // row itself moves to the top.
  #cursor: Cursor | undefined;
  // Answers to questions asked before the list was read anew are dropped.
  #reading = 0;
  #underWay: number | undefined;

  constructor(
    private readonly store: ConversationStore,
    private readonly onChange: () => void,
  ) {}

  /** Shows only the chats of one brain; all if undefined. */
  filter(brain: string | undefined): Promise<void> {
    this.brain = brain;
    return this.read();
  }

  /** Reads the list from its top. */
  async read(): Promise<void> {
    this.rows = [];
    this.#cursor = undefined;
    this.hasMore = true;
    this.#reading += 1;
    await this.more();
  }

  /** Reads again what has been read, and puts it in the place of what is there. */
  async reread(): Promise<void> {
    this.#reading += 1;
    const reading = this.#reading;
    const limit = Math.max(PAGE, this.rows.length);
    const [page, newest] = await Promise.all([
      this.#page(limit),
      this.store.listConversations({ limit: SEEN }),
    ]).catch((error) => {
      // A page that was being read is not shown any more.
      if (reading === this.#reading && this.state === 'loading') this.#fail(error);
      throw error;
    });
    if (reading !== this.#reading) return;
    this.rows = [];
    this.brains.clear();
    this.brains.add('claude');
    this.see(newest);
    this.#add(page, limit);
  }

  /** Reads the next page, unless that is under way. */
  async more(): Promise<void> {
    const reading = this.#reading;
    if (!this.hasMore || this.#underWay === reading) return;
    this.#underWay = reading;
    this.state = 'loading';
    this.onChange();
    try {
      const page = await this.#page(PAGE, this.#cursor);
      if (reading === this.#reading) this.#add(page, PAGE);
    } catch (error) {
      if (reading === this.#reading) this.#fail(error);
    }
  }

  find(id: number): Conversation | undefined {
    return this.rows.find((row) => row.id === id);
  }

  /** A conversation that is new or has changed takes its place. */
  put(conversation: Conversation): void {
    const rest = this.rows.filter((row) => row.id !== conversation.id);
    const shown = this.brain === undefined || conversation.brain === this.brain;
    // Below what has been read it is left to the page it belongs to.
    const unread = this.hasMore && (!this.#cursor || isAfter(conversation, this.#cursor));
    if (shown && !unread) {
      const place = rest.findIndex((row) => isAfter(row, conversation));
      rest.splice(place === -1 ? rest.length : place, 0, conversation);
    }
    this.rows = rest;
    this.see([conversation]);
    this.onChange();
  }

  remove(uid: string): void {
    this.rows = this.rows.filter((row) => row.uid !== uid);
    this.onChange();
  }

  /** Looks through the newest chats for brains to offer, beyond the pages read so far. */
  async seeMore(): Promise<void> {
    if (!this.hasMore) return;
    this.see(await this.store.listConversations({ limit: SEEN }));
    this.onChange();
  }

  #page(limit: number, after?: Cursor): Promise<Conversation[]> {
    return this.store.listConversations({
      // One more than a page tells whether there is another.
      limit: limit + 1,
      ...(this.brain !== undefined && { brain: this.brain }),
      ...(after && { after }),
    });
  }

  #add(page: Conversation[], limit: number): void {
    this.hasMore = page.length > limit;
    page.splice(limit);
    const last = page.at(-1);
    this.#cursor = last ? { id: last.id, updatedAt: last.updatedAt } : this.#cursor;
    const known = new Set(this.rows.map((row) => row.id));
    this.rows.push(...page.filter((row) => !known.has(row.id)));
    this.see(page);
    this.#end('ready');
  }

  #fail(error: unknown): void {
    this.error = error;
    this.#end('error');
  }

  #end(state: 'ready' | 'error'): void {
    this.state = state;
    this.#underWay = undefined;
    this.onChange();
  }

  private see(conversations: readonly Conversation[]): void {
    for (const { brain } of conversations) this.brains.add(brain);
  }
}

/** Whether `a` comes after `b`: (updatedAt, id) descending. ISO times compare as strings. */
function isAfter(a: Cursor, b: Cursor): boolean {
  if (a.updatedAt !== b.updatedAt) return a.updatedAt < b.updatedAt;
  return a.id < b.id;
}
