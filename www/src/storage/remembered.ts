// What this browser remembers of the chats beside the chats themselves: when they were last backed up, what
// was asked, whether there were any. In localStorage, so that every tab knows; where that is not allowed,
// nothing is remembered. Knows no DOM and no store.

const KEYS = {
  /** When the last backup was made: milliseconds. */
  backedUp: 'chats:backed-up',
  /** When a backup was last suggested. */
  suggested: 'chats:backup-suggested',
  /** The browser was asked to keep the data. */
  asked: 'chats:persist-asked',
  /** There were chats here. */
  hadChats: 'chats:had-chats',
} as const;

export type Fact = keyof typeof KEYS;

/** The time that was remembered; undefined if nothing was. */
export function remembered(fact: Fact): number | undefined {
  try {
    const value = Number(localStorage.getItem(KEYS[fact]));
    return Number.isFinite(value) && value > 0 ? value : undefined;
  } catch {
    return undefined;
  }
}

export function remember(fact: Fact, time = Date.now()): void {
  try {
    localStorage.setItem(KEYS[fact], String(time));
  } catch {
    // Not allowed, or full: it is asked for once more than need be.
  }
}

export function forget(fact: Fact): void {
  try {
    localStorage.removeItem(KEYS[fact]);
  } catch {
    // As above.
  }
}

/** Tells when another tab remembers something else. */
export function onRemembered(listener: () => void): void {
  addEventListener('storage', ({ key }) => {
    if (key === null || Object.values<string>(KEYS).includes(key)) listener();
  });
}
