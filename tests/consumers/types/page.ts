// Every public method as a page uses it, and wrong uses that must not compile. Compiled, never run.

import {
  type CallOptions,
  type Conversation,
  type ConversationCursor,
  type ConversationQuery,
  ConversationStore,
  ConversationStoreError,
  type ErrorCode,
  type Message,
  type MessageQuery,
  type OpenOptions,
  type Role,
  type StoreStatus,
} from 'conversation-store';

/** Compiles only if the value is a T. */
function is<T>(_value: T): void {}
/** Compiles only if A and B are one type, and A not `any`. */
function same<A, B>(_yes: [A, B] extends [B, A] ? (0 extends 1 & A ? false : true) : false): void {}

const { signal } = new AbortController();
const options: CallOptions = { signal, timeout: 1000 };

export async function opening(module: WebAssembly.Module): Promise<void> {
  const every: OpenOptions = {
    storage: 'opfs',
    durability: 'relaxed',
    signal,
    timeout: 10_000,
    worker: () => new Worker(new URL('./worker.js', 'https://example.test'), { type: 'module' }),
    wasm: '/store.wasm',
  };
  is<ConversationStore>(await ConversationStore.open());
  await ConversationStore.open('notes');
  await ConversationStore.open(undefined, every);
  await ConversationStore.open('notes', { wasm: new URL('https://example.test/store.wasm') });
  await ConversationStore.open('notes', { wasm: module });
  await using store = await ConversationStore.open(':memory:', { storage: 'memory' });
  is<EventTarget>(store);
  const deleted = ConversationStore.delete('notes');
  same<typeof deleted, Promise<void>>(true);

  // @ts-expect-error a name is a string
  await ConversationStore.open(1);
  // @ts-expect-error no such storage
  await ConversationStore.open('notes', { storage: 'disk' });
  // @ts-expect-error no such durability
  await ConversationStore.open('notes', { durability: 'full' });
  // @ts-expect-error a function that makes a worker, not a worker
  await ConversationStore.open('notes', { worker: new Worker('worker.js') });
  // @ts-expect-error made by `open` only
  new ConversationStore();
  // @ts-expect-error needs a name
  await ConversationStore.delete();
}

export async function conversations(store: ConversationStore): Promise<void> {
  const id = await store.createConversation('첫 대화');
  same<typeof id, number>(true);
  await store.createConversation('첫 대화', 'gpt');
  await store.createConversation('첫 대화', 'gpt', options);

  const list = await store.listConversations();
  same<typeof list, Conversation[]>(true);
  await store.listConversations(20);
  await store.listConversations(20, options);
  const query: ConversationQuery = { limit: 20, brain: 'gpt' };
  await store.listConversations(query, options);
  const last = list.at(-1);
  if (last) {
    await store.listConversations({ after: last });
    const cursor: ConversationCursor = { id: last.id, updatedAt: last.updatedAt };
    await store.listConversations({ ...query, after: cursor });
    same<typeof last.id, number>(true);
    const texts: string[] = [last.uid, last.title, last.brain, last.createdAt, last.updatedAt];
    is<string[]>(texts);
  }

  const found = await store.getConversation(id);
  same<typeof found, Conversation | undefined>(true);
  await store.getConversation('a-uid', options);
  const updated = store.updateConversation(id, { title: '새 제목' });
  same<typeof updated, Promise<void>>(true);
  await store.updateConversation(id, { brain: 'claude' }, options);
  const count = await store.deleteConversation(id);
  same<typeof count, number>(true);
  await store.deleteConversation(id, options);

  // @ts-expect-error needs a title
  await store.createConversation();
  // @ts-expect-error a title is a string
  await store.createConversation(1);
  // @ts-expect-error a limit is a number
  await store.listConversations({ limit: '20' });
  // @ts-expect-error a cursor needs both keys
  await store.listConversations({ after: { id: 1 } });
  // @ts-expect-error no such field
  await store.updateConversation(id, { titel: 'x' });
  // @ts-expect-error may not be there
  is<string>((await store.getConversation(id)).title);
  // @ts-expect-error options are no row
  await store.deleteConversation(id, { timeout: '1s' });
}

export async function messages(store: ConversationStore): Promise<void> {
  const role: Role = 'assistant';
  const added = await store.addMessage(1, role, '안녕하세요');
  const { id, uid, createdAt } = added;
  same<[typeof id, typeof uid, typeof createdAt], [number, string, string]>(true);
  await store.addMessage('a-uid', 'user', '안녕하세요', options);

  const all = await store.messagesFor(1);
  same<typeof all, Message[]>(true);
  const query: MessageQuery = { limit: 10 };
  await store.messagesFor(1, query, options);
  const first = all.at(0);
  if (first) {
    await store.messagesFor(1, { limit: 10, before: first });
    await store.messagesFor(1, { limit: 10, after: { id: first.id } });
    await store.messagesFor(1, { after: { uid: first.uid } });
    same<typeof first.role, Role>(true);
    same<typeof first.conversationId, number>(true);
    is<string[]>([first.uid, first.content, first.createdAt, first.conversationUid]);
  }
  const found = await store.getMessage(id);
  same<typeof found, Message | undefined>(true);
  await store.getMessage('a-uid', options);
  await store.getMessage({ conversationId: 1, uid: 'a-uid' });

  // @ts-expect-error no such role
  await store.addMessage(1, 'robot', 'x');
  // @ts-expect-error needs a text
  await store.addMessage(1, 'user');
  // @ts-expect-error a cursor is a row, not a bare id
  await store.messagesFor(1, { before: 5 });
  // @ts-expect-error a conversation's key is a number or a string
  await store.messagesFor({ id: 1 });
}

export async function database(store: ConversationStore): Promise<void> {
  const status = await store.status();
  same<typeof status, StoreStatus>(true);
  await store.status(options);
  if (status.storage === 'opfs' && status.role === 'leader') {
    is<string[]>([status.journalMode, status.synchronous, status.sqliteVersion, status.version]);
  }
  const persisted = await store.persist();
  same<typeof persisted, boolean>(true);
  const file = await store.backup();
  same<typeof file, Blob>(true);
  await store.backup(options);
  const restored = store.restore(file);
  same<typeof restored, Promise<void>>(true);
  await store.restore(file, options);
  const closed = store.close();
  same<typeof closed, Promise<void>>(true);
  await store[Symbol.asyncDispose]();

  // @ts-expect-error a file, not its name
  await store.restore('chats.sqlite');
}

export async function errors(store: ConversationStore): Promise<string> {
  try {
    await store.addMessage(1, 'user', 'x', { signal: AbortSignal.timeout(5) });
    return 'written';
  } catch (error) {
    if (!(error instanceof ConversationStoreError)) throw error;
    is<Error>(error);
    is<ErrorCode>(error.code);
    switch (error.code) {
      case 'not-found':
      case 'quota-exceeded':
        return error.message;
      // @ts-expect-error no such code
      case 'missing':
        return '';
      default:
        return String(error.cause);
    }
  }
}
