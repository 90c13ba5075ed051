// Remembers, across a closed tab, which conversations were shown as deleted but are not deleted yet,
// and which tab still offers to undo that. Written at once, which the store, being asynchronous, cannot
// promise to a page that leaves. A tab that is named here holds a lock as long as it can undo.

// A key for each: two tabs that write at the same time then lose nothing of each other.
const KEY = 'chats:deleting:';

// So long after a tab's end its last words are surely here, if they were that it has undone it.
const LAST_WORDS = 1_000;

export interface Entry {
  uid: string;
  tab: string;
}

interface Self {
  tab: string;
  leave: () => void;
}

let self: Promise<Self> | undefined;

/** What all tabs have put off. */
export function read(): Entry[] {
  try {
    return Object.entries(localStorage).flatMap(([key, tab]) =>
      key.startsWith(KEY) ? [{ uid: key.slice(KEY.length), tab }] : [],
    );
  } catch {
    return [];
  }
}

/** False if it cannot be remembered, and so may not be put off. */
export async function add(uid: string): Promise<boolean> {
  try {
    self ??= enter();
    const { tab } = await self;
    localStorage.setItem(KEY + uid, tab);
    return true;
  } catch {
    return false;
  }
}

export function remove(uid: string): void {
  try {
    localStorage.removeItem(KEY + uid);
  } catch {
    // Not to be written is not to have been written.
  }
}

/** This tab undoes nothing any more. */
export function leave(): void {
  self?.then(({ leave }) => leave()).catch(() => undefined);
  self = undefined;
}

/** Tells what other tabs put off, and of which of it they have decided. */
export function onChange(listener: (uid: string, tab: string | null) => void): void {
  addEventListener('storage', ({ key, newValue, storageArea }) => {
    if (storageArea !== localStorage || !key?.startsWith(KEY)) return;
    listener(key.slice(KEY.length), newValue);
  });
}

/** Whether a tab can still undo. */
export function isThere(tab: string): Promise<boolean> {
  return navigator.locks.request(lockOf(tab), { ifAvailable: true }, (lock) => lock === null);
}

/** Does what a tab has left undone, once it is gone; one of those that wait for it does. */
export function inherit(tab: string, work: (uids: string[]) => Promise<void>): void {
  void navigator.locks.request(lockOf(tab), async () => {
    await new Promise((resolve) => setTimeout(resolve, LAST_WORDS));
    await work(read().flatMap((entry) => (entry.tab === tab ? [entry.uid] : [])));
  });
}

function enter(): Promise<Self> {
  const tab = crypto.randomUUID();
  return new Promise((resolve, reject) => {
    const held = navigator.locks.request(
      lockOf(tab),
      () => new Promise<void>((leave) => resolve({ tab, leave })),
    );
    held.catch(reject);
  });
}

function lockOf(tab: string): string {
  return `chats:tab:${tab}`;
}
