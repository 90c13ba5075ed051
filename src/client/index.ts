/**
 * `ConversationStore`, the class that a page imports. It names each method once and sends it to
 * the worker; bounds, rules and SQL are the worker's. Importing it does nothing.
 */

import {
  asOurs,
  type CallOptions,
  type ChangeDetail,
  Connection,
  closed,
  HALF_PAIR,
  type Kind,
  type OpenOptions,
  within,
} from './connection.js';
import { ConversationStoreError } from './errors.js';
import type {
  AddedMessage,
  Conversation,
  ConversationKey,
  ConversationPatch,
  ConversationQuery,
  Message,
  MessageKey,
  MessageQuery,
  Role,
  StoreStatus,
  ConversationStore as WasmConversationStore,
} from './wasm/conversation_store.js';

export type { CallOptions, ChangeDetail, OpenOptions } from './connection.js';
export { ConversationStoreError, type ErrorDetails } from './errors.js';
export type {
  AddedMessage,
  ChangeOp,
  Conversation,
  ConversationCursor,
  ConversationKey,
  ConversationPatch,
  ConversationQuery,
  Durability,
  ErrorCode,
  Message,
  MessageCursor,
  MessageKey,
  MessageQuery,
  Role,
  RowChange,
  RowKind,
  StorageKind,
  StorageOption,
  StoreStatus,
  TabRole,
} from './wasm/conversation_store.js';

/** What a store dispatches. */
export interface StoreEvents {
  /** In commit order, in every tab, one event for what a turn of the event loop committed. */
  change: CustomEvent<ChangeDetail>;
  /** The role, storage or version of this tab has changed. */
  status: CustomEvent<StoreStatus>;
}

/** The methods that the wasm class exports too, generated from Rust. */
type StoreMethods = Omit<WasmConversationStore, 'free' | typeof Symbol.dispose>;

/**
 * A web app's chats, kept in this browser in a SQLite database.
 *
 * Every method rejects with a {@link ConversationStoreError}, and takes {@link CallOptions} as its
 * last argument; optional arguments before it may be left out. Where a row is named, a number is
 * its id and a string its uid.
 */
export class ConversationStore extends EventTarget implements StoreMethods {
  #connection: Connection | undefined;
  readonly #user: number;
  #closed: Promise<void> | undefined;

  private constructor([connection, user]: [Connection, number]) {
    super();
    this.#connection = connection;
    this.#user = user;
    const tell = (type: string, detail: unknown) =>
      this.dispatchEvent(new CustomEvent(type, { detail }));
    connection.listen(user, {
      onChange: (detail) => tell('change', detail),
      onStatus: (status) => tell('status', status),
    });
  }

  /**
   * Opens the database `name`, making it where there is none. ':memory:' keeps nothing and is a
   * new database at each open. Any number of tabs have a database open, and all read and write at once.
   *
   * @param name 1 to 200 bytes as a directory name; 'conversations' if not given.
   * @throws `invalid-argument`, `storage-unavailable` (no OPFS, worker or module: the message says
   * which), `blocked` (a tab that does not answer has it, after `timeout`), `timeout`, `aborted`, `conflict` (open
   * in this page with other options), `corrupt`, `schema-too-new`, `unsupported-format`. A failed open deletes nothing.
   */
  static async open(
    name: string = 'conversations',
    options: OpenOptions = {},
  ): Promise<ConversationStore> {
    checkName(name);
    try {
      return new ConversationStore(await Connection.join(name, options));
    } catch (error) {
      throw asOurs(error);
    }
  }

  /**
   * Deletes the database `name` from this browser, for good. One that is not there is no error.
   *
   * @throws `blocked` if it is open, here or in another tab.
   */
  static async delete(
    name: string,
    options: Pick<OpenOptions, 'worker' | 'wasm'> & CallOptions = {},
  ): Promise<void> {
    checkName(name);
    if (name === ':memory:') return;
    try {
      await Connection.once('delete', { name }, options);
    } catch (error) {
      throw asOurs(error);
    }
  }

  /**
   * Makes a conversation and resolves to its id.
   *
   * @param title At most 10,000 characters.
   * @param brain Who answers: 1 to 1,000 characters, 'claude' if not given.
   * @throws `invalid-argument`, `quota-exceeded`.
   */
  createConversation(
    title: string,
    brain?: string | CallOptions,
    options?: CallOptions,
  ): Promise<number> {
    const [given, rest] = split(brain, options);
    return this.#call('createConversation', () => ({ title, brain: given }), 'write', rest);
  }

  /**
   * Adds a message at the end of a conversation and moves the conversation's `updatedAt`.
   * Resolves when the message is stored.
   *
   * @param content At most 100,000,000 bytes of UTF-8. A lone surrogate is stored as U+FFFD.
   * @throws `not-found`, `invalid-argument`, `quota-exceeded`.
   */
  addMessage(
    conversationId: ConversationKey,
    role: Role,
    content: string,
    options?: CallOptions,
  ): Promise<AddedMessage> {
    return this.#call('addMessage', () => ({ conversationId, role, content }), 'write', options);
  }

  /**
   * Conversations by (updatedAt, id), newest first.
   *
   * @param query A number is the limit. Default limit 50, largest 1,000,000. The last row of a
   * page is the `after` of the next.
   * @throws `invalid-argument`.
   */
  listConversations(
    query?: number | ConversationQuery | CallOptions,
    options?: CallOptions,
  ): Promise<Conversation[]> {
    const [given, rest] = split(query, options);
    return this.#call('listConversations', () => ({ query: plainQuery(given) }), 'read', rest);
  }

  /**
   * Messages of a conversation, oldest first, always; [] for a conversation that is not there.
   *
   * @param query No limit: all. A limit and no cursor: the newest `limit`. `before` or `after` a
   * message of this conversation (a row fits), without it.
   * @throws `invalid-argument` (both cursors), `conflict` (the cursor's message is not in this
   * conversation).
   */
  messagesFor(
    conversationId: ConversationKey,
    query?: MessageQuery | CallOptions,
    options?: CallOptions,
  ): Promise<Message[]> {
    const [given, rest] = split(query, options);
    return this.#call(
      'messagesFor',
      () => ({ conversationId, query: plainQuery(given) }),
      'read',
      rest,
    );
  }

  /**
   * Deletes a conversation with its messages, for good. Resolves to the number of conversations
   * deleted: 0 or 1.
   */
  deleteConversation(id: ConversationKey, options?: CallOptions): Promise<number> {
    return this.#call('deleteConversation', () => ({ id }), 'write', options);
  }

  /** One conversation, or `undefined`. */
  getConversation(id: ConversationKey, options?: CallOptions): Promise<Conversation | undefined> {
    return this.#call('getConversation', () => ({ id }), 'read', options);
  }

  /**
   * Changes title or brain. A field left out stays; `updatedAt` does not move.
   *
   * @throws `not-found`, `invalid-argument`, `quota-exceeded`.
   */
  updateConversation(
    id: ConversationKey,
    patch: ConversationPatch,
    options?: CallOptions,
  ): Promise<void> {
    return this.#call('updateConversation', () => ({ id, patch: plain(patch) }), 'write', options);
  }

  /**
   * One message, or `undefined`.
   *
   * @throws `conflict` if messages of two conversations have that uid: give
   * `{ conversationId, uid }`.
   */
  getMessage(id: MessageKey, options?: CallOptions): Promise<Message | undefined> {
    return this.#call('getMessage', () => ({ id: plain(id) }), 'read', options);
  }

  /**
   * A consistent copy of this moment's database, as a SQLite file that stock SQLite 3.40 opens. It
   * holds no text of deleted chats.
   *
   * @throws `quota-exceeded`: the copy is written beside the database first.
   */
  backup(options?: CallOptions): Promise<Blob> {
    return this.#call('backup', () => ({}), 'read', options);
  }

  /**
   * Replaces everything by what a SQLite file holds: a backup, or a file of the lesson's Python
   * class. Checked before anything is replaced; all or nothing.
   *
   * @throws `not-a-database`, `corrupt`, `schema-too-new`, `unsupported-format`,
   * `quota-exceeded`. Everything is then as it was.
   */
  restore(file: Blob, options?: CallOptions): Promise<void> {
    return this.#call('restore', () => ({ file }), 'write', options);
  }

  /** Where and how the database is kept. */
  status(options?: CallOptions): Promise<StoreStatus> {
    return this.#call('status', () => ({}), 'read', options);
  }

  /**
   * Asks the browser never to evict this origin's data. Resolves to whether it promises that;
   * some browsers ask the user, and without a `timeout` this waits for the answer.
   */
  async persist(options: CallOptions = {}): Promise<boolean> {
    if (!this.#connection) throw closed();
    // Before the browser asks: options may be wrong, or aborted already.
    await within(Promise.resolve(), options);
    const asked = globalThis.navigator?.storage?.persist?.() ?? Promise.resolve(false);
    return within(asked, options);
  }

  /**
   * Ends this object. Calls made before are carried out; when the last object of the database in
   * this page has closed, the files are given back before this resolves. Closing twice is fine.
   * Options end the wait, not the closing.
   */
  async close(options: CallOptions = {}): Promise<void> {
    this.#closed ??= this.#connection?.leave(this.#user) ?? Promise.resolve();
    this.#connection = undefined;
    return within(this.#closed, options);
  }

  /** 'change': something was committed, in any tab. 'status': this tab's part in it has changed. */
  override addEventListener<K extends keyof StoreEvents>(
    type: K,
    listener: ((event: StoreEvents[K]) => void) | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    // biome-ignore lint/suspicious/noExplicitAny: the overloads say what it is.
    listener: any,
    options?: boolean | AddEventListenerOptions,
  ): void {
    if (type === 'change') this.#connection?.wantChanges();
    super.addEventListener(type, listener, options);
  }

  /** As of any EventTarget. */
  override removeEventListener<K extends keyof StoreEvents>(
    type: K,
    listener: ((event: StoreEvents[K]) => void) | null,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    // biome-ignore lint/suspicious/noExplicitAny: the overloads say what it is.
    listener: any,
    options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, listener, options);
  }

  /** `await using`: closes. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** `params` may run code of the caller's, a getter's: what that throws, the call rejects with. */
  async #call<T>(
    method: string,
    params: () => object,
    kind: Kind,
    options?: CallOptions,
  ): Promise<T> {
    if (!this.#connection) throw closed();
    try {
      return (await this.#connection.call(this.#user, method, params(), kind, options)) as T;
    } catch (error) {
      throw asOurs(error);
    }
  }
}

function checkName(name: unknown): void {
  if (typeof name !== 'string') {
    throw new ConversationStoreError('invalid-argument', `name is a ${typeof name}, not a string`);
  }
  if (HALF_PAIR.test(name)) {
    throw new ConversationStoreError(
      'invalid-argument',
      'name holds half of a surrogate pair: give well-formed text',
    );
  }
}

/** Call options may stand where an optional argument was left out. */
function split<T>(given: T | CallOptions | undefined, options: CallOptions | undefined) {
  if (options === undefined && isCallOptions(given)) return [undefined, given] as const;
  return [given as T | undefined, options] as const;
}

const CALL_OPTIONS = ['signal', 'timeout', 'operationId'];

function isCallOptions(value: unknown): value is CallOptions {
  if (typeof value !== 'object' || value === null) return false;
  try {
    const keys = Object.keys(value);
    return keys.length > 0 && keys.every((key) => CALL_OPTIONS.includes(key));
  } catch {
    // A revoked proxy. Sending it says so.
    return false;
  }
}

/** Of a row given as a cursor, the keys are sent, not its text. */
function plainQuery(query: unknown): unknown {
  if (typeof query !== 'object' || query === null || Array.isArray(query)) return query;
  const { before, after, ...rest } = query as Record<string, unknown>;
  return { ...plainObject(rest), before: cursor(before), after: cursor(after) };
}

function cursor(row: unknown): unknown {
  if (typeof row !== 'object' || row === null) return row;
  const { id, uid, updatedAt } = row as Record<string, unknown>;
  return plain({ id, uid, updatedAt });
}

/** Proxies of reactive frameworks cannot be cloned; their values can. Dates cross as numbers. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return plainObject(value);
}

function plainObject(value: object): object {
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      field instanceof Date ? field.getTime() : field,
    ]),
  );
}
