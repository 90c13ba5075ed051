// A folder of the reader's to put backups into, where the browser has folders (File System Access): picked
// once, its handle kept in IndexedDB. The newest backups stay, older ones of ours go. Knows no store.

/** What the DOM's types do not have yet. */
interface Permitted {
  queryPermission(options: { mode: 'readwrite' }): Promise<PermissionState>;
  requestPermission(options: { mode: 'readwrite' }): Promise<PermissionState>;
}
type Folder = FileSystemDirectoryHandle & Permitted;
type Picker = (options: { id: string; mode: 'readwrite' }) => Promise<Folder>;

const DATABASE = 'chats-backup';
const KEPT = 7;
const OURS = /^chats-(?:backup-)?\d{4}-\d\d-\d\d\.sqlite3$/;

/** Asks for a folder; undefined where the browser has none. */
function picker(): Picker | undefined {
  const { showDirectoryPicker } = window as { showDirectoryPicker?: Picker };
  return showDirectoryPicker?.bind(window);
}

export function hasFolders(): boolean {
  return picker() !== undefined;
}

/** Lets the reader choose. Resolves to its name; undefined if none was chosen. */
export async function pickFolder(): Promise<string | undefined> {
  try {
    const folder = await picker()?.({ id: 'chats-backup', mode: 'readwrite' });
    if (!folder) return undefined;
    await keep(folder);
    return folder.name;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined;
    throw error;
  }
}

export async function forgetFolder(): Promise<void> {
  await keep(undefined);
}

/** The folder that was picked, and whether it may be written to without asking. */
export async function folderState(): Promise<{ name: string; allowed: boolean } | undefined> {
  const folder = await kept();
  if (!folder) return undefined;
  const state = await folder.queryPermission({ mode: 'readwrite' });
  return { name: folder.name, allowed: state === 'granted' };
}

/** Asks for the permission again: only in answer to a press. */
export async function allowFolder(): Promise<boolean> {
  const folder = await kept();
  return (await folder?.requestPermission({ mode: 'readwrite' })) === 'granted';
}

/** Writes a backup, and takes away the oldest of ours beyond the newest few. */
export async function writeBackup(backup: Blob, name: string): Promise<void> {
  const folder = await kept();
  if (!folder) throw new Error('no folder was picked');
  const file = await folder.getFileHandle(name, { create: true });
  // What is written is in its place only when it is complete.
  const stream = await file.createWritable();
  await backup.stream().pipeTo(stream);
  const ours: string[] = [];
  for await (const known of folder.keys()) if (OURS.test(known)) ours.push(known);
  for (const old of ours.sort().slice(0, -KEPT)) await folder.removeEntry(old);
}

async function kept(): Promise<Folder | undefined> {
  return await inStore(
    'readonly',
    (store) => store.get('folder') as IDBRequest<Folder | undefined>,
  );
}

async function keep(folder: Folder | undefined): Promise<void> {
  if (folder) await inStore('readwrite', (store) => store.put(folder, 'folder'));
  else await inStore('readwrite', (store) => store.delete('folder'));
}

async function inStore<T>(
  mode: IDBTransactionMode,
  ask: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('handles');
  const database = await settled(opening);
  try {
    return await settled(ask(database.transaction('handles', mode).objectStore('handles')));
  } finally {
    database.close();
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
