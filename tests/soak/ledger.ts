/**
 * What must be stored, as the test knows it: every chat with its tree, changed only by what was
 * acknowledged, or found to have happened after a crash. Knows no browser.
 */

/** A message; its place is its parent. */
export interface Said {
  uid: string;
  parent: string | null;
  role: string;
  content: string;
  status: string;
}

export interface Chat {
  uid: string;
  title: string;
  isTrashed: boolean;
  head: string | null;
  /** Sorted by uid. */
  messages: Said[];
}

/** Random numbers from a seed (Mulberry32), so that a run's choices can be made again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number below it. */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  }

  one<T>(some: readonly T[]): T {
    return some[this.below(some.length)] as T;
  }
}

const byUid = (a: { uid: string }, b: { uid: string }) => (a.uid < b.uid ? -1 : 1);

/** As it is compared: the order of keys and rows is always the same. */
export function shaped({ uid, title, isTrashed, head, messages }: Chat): Chat {
  return {
    uid,
    title,
    isTrashed,
    head,
    messages: messages
      .map(({ uid, parent, role, content, status }) => ({ uid, parent, role, content, status }))
      .sort(byUid),
  };
}

export const isSame = (one: Chat | undefined, other: Chat | undefined) =>
  JSON.stringify(one && shaped(one)) === JSON.stringify(other && shaped(other));

/** The messages that are shown, from the first to the head. */
export function path({ head, messages }: Chat): Said[] {
  const all = new Map(messages.map((message) => [message.uid, message]));
  const rows: Said[] = [];
  for (let uid = head; uid !== null; ) {
    const message = all.get(uid);
    if (!message) throw new Error(`the ledger has no message ${uid}`);
    rows.unshift(message);
    uid = message.parent;
  }
  return rows;
}

/** The chat with a message more, which is its head. */
export function added(chat: Chat, message: Said): Chat {
  return { ...chat, head: message.uid, messages: [...chat.messages, message] };
}

/** The chat with a message changed. */
export function changed(chat: Chat, uid: string, change: Partial<Said>): Chat {
  const messages = chat.messages.map((it) => (it.uid === uid ? { ...it, ...change } : it));
  return { ...chat, messages };
}

/** The chat without a message: what followed it follows its parent, and so does the head. */
export function without(chat: Chat, uid: string): Chat {
  const parent = chat.messages.find((it) => it.uid === uid)?.parent ?? null;
  const messages = chat.messages
    .filter((it) => it.uid !== uid)
    .map((it) => (it.parent === uid ? { ...it, parent } : it));
  return { ...chat, messages, head: chat.head === uid ? parent : chat.head };
}

/** All chats, which of them a call is about, and how often each was. */
export class Ledger {
  #chats = new Map<string, Chat>();
  readonly #taken = new Set<string>();
  readonly #touched = new Map<string, number>();
  #touches = 0;

  get chats(): Chat[] {
    return [...this.#chats.values()].sort(byUid);
  }

  get(uid: string): Chat | undefined {
    return this.#chats.get(uid);
  }

  set(uid: string, chat: Chat | undefined): void {
    if (chat) this.#chats.set(uid, shaped(chat));
    else this.#chats.delete(uid);
    this.#touch(uid);
  }

  /** The chats that nobody is about to change. */
  get free(): Chat[] {
    return this.chats.filter(({ uid }) => !this.#taken.has(uid));
  }

  /** Keeps others from a chat while something is done with it. */
  async taking<T>(uids: string[], work: () => Promise<T>): Promise<T> {
    for (const uid of uids) {
      if (this.#taken.has(uid)) throw new Error(`chat ${uid} is taken twice`);
      this.#taken.add(uid);
      this.#touch(uid);
    }
    try {
      return await work();
    } finally {
      for (const uid of uids) this.#taken.delete(uid);
    }
  }

  /** A mark, for `untouchedSince`. */
  get mark(): number {
    return this.#touches;
  }

  /** The chats that are what they were at the mark, and have been all the while. */
  untouchedSince(mark: number): Chat[] {
    return this.free.filter(({ uid }) => (this.#touched.get(uid) ?? 0) <= mark);
  }

  copy(): Map<string, Chat> {
    return new Map(this.#chats);
  }

  /** Everything is what it was when the copy was made. */
  replace(copy: Map<string, Chat>): void {
    this.#chats = new Map(copy);
  }

  #touch(uid: string): void {
    this.#touches += 1;
    this.#touched.set(uid, this.#touches);
  }
}
