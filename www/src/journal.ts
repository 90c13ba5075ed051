// Remembers, across a closed tab, which conversations were shown as deleted but are not deleted
// yet. Written at once, which the store, being asynchronous, cannot promise to a page that leaves.

const KEY = 'chats:deleting';

/** Their uids. */
export function read(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(stored) ? stored.filter((uid) => typeof uid === 'string') : [];
  } catch {
    return [];
  }
}

/** False if it cannot be remembered, and so may not be put off. */
export function add(uid: string): boolean {
  return write([...read().filter((known) => known !== uid), uid]);
}

export function remove(uid: string): void {
  write(read().filter((known) => known !== uid));
}

function write(uids: string[]): boolean {
  try {
    if (uids.length === 0) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, JSON.stringify(uids));
    return true;
  } catch {
    return false;
  }
}
