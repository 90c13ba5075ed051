// The conversations that have been read so far, in the store's order, page by page. Knows no DOM
// and does not say what is hidden because it is about to be deleted.

import type { Conversation, ConversationStore } from 'conversation-store';

const PAGE = 50;

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

  /** Reads the next page, unless that is under way. */
  async more(): Promise<void> {
    const reading = this.#reading;
    if (!this.hasMore || this.#underWay === reading) return;
    this.#underWay = reading;
    this.state = 'loading';
    this.onChange();
    try {
      // One more than a page tells whether there is another.
      const page = await this.store.listConversations({
        limit: PAGE + 1,
        ...(this.brain !== undefined && { brain: this.brain }),
        ...(this.#cursor && { after: this.#cursor }),
      });
      if (reading !== this.#reading) return;
      this.hasMore = page.length > PAGE;
      page.splice(PAGE);
      const last = page.at(-1);
      if (last) this.#cursor = { id: last.id, updatedAt: last.updatedAt };
      const known = new Set(this.rows.map((row) => row.id));
      this.rows.push(...page.filter((row) => !known.has(row.id)));
      this.see(page);
      this.state = 'ready';
    } catch (error) {
      if (reading !== this.#reading) return;
      this.state = 'error';
      this.error = error;
    }
    this.#underWay = undefined;
    this.onChange();
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

  remove(id: number): void {
    this.rows = this.rows.filter((row) => row.id !== id);
    this.onChange();
  }

  /** Looks through the newest chats for brains to offer, beyond the pages read so far. */
  async seeMore(): Promise<void> {
    if (!this.hasMore) return;
    this.see(await this.store.listConversations({ limit: 1_000 }));
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
