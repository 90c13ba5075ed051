/**
 * `ConversationStore`, the class that a page imports. It names each method once and sends it to
 * the worker; bounds, rules and SQL are the worker's. Importing it does nothing.
 */

import { type Ask, getBlob, putBlob } from './blobs.js';
import {
  type CallOptions,
  type ChangeDetail,
  Connection,
  checkOptions,
  closed,
  HALF_PAIR,
  type Kind,
  type OpenOptions,
  within,
} from './connection.js';
import { asOurs, ConversationStoreError, ours } from './errors.js';
import { given, hit, plain, plainQuery, row, text } from './rows.js';
import type { SalvageOptions } from './salvage.js';
import type { ExportOptions, ImportOptions, ImportReport, TransferCalls } from './transfer.js';
import type {
  AddedMessage,
  Branch as AnyBranch,
  Message as AnyMessage,
  ChatSaving,
  Conversation,
  ConversationKey,
  ConversationPatch,
  ConversationQuery,
  HealReport,
  IntegrityReport,
  MessageKey,
  MessagePart,
  MessagePatch,
  MessageQuery,
  NewConversation,
  NewMessage,
  Role,
  SalvageReport,
  SearchHit,
  SearchQuery,
  StoredBlob,
  StoreStatus,
  ConversationStore as WasmConversationStore,
} from './wasm/conversation_store.js';
import { type Watch, type WatchListener, watchConversations, watchMessages } from './watch.js';
import { type MessageWriter, openWriter, type WriterOptions } from './writer.js';

export type { CallOptions, ChangeDetail, OpenOptions } from './connection.js';
export { ConversationStoreError, type ErrorDetails } from './errors.js';
export type { SalvageOptions } from './salvage.js';
export type {
  ExportOptions,
  ImportFailure,
  ImportOptions,
  ImportProgress,
  ImportReport,
} from './transfer.js';
export type {
  AddedMessage,
  Append,
  ChangeOp,
  ChatSaving,
  ConflictRule,
  Conversation,
  ConversationCursor,
  ConversationKey,
  ConversationPatch,
  ConversationQuery,
  Counts,
  Durability,
  ErrorCode,
  HealRepair,
  HealReport,
  HitKind,
  IntegrityReport,
  MessageCursor,
  MessageInfo,
  MessageKey,
  MessagePart,
  MessagePatch,
  MessageQuery,
  MessageSource,
  MessageUsage,
  NewConversation,
  NewMessage,
  Repair,
  Role,
  RowChange,
  RowKind,
  Salvaged,
  SalvageLoss,
  SalvageReport,
  SearchHit,
  SearchOrder,
  SearchQuery,
  Status,
  StorageKind,
  StorageOption,
  StoredBlob,
  StoreStatus,
  TabRole,
} from './wasm/conversation_store.js';
export type { Watch } from './watch.js';
export { MessageWriter, type WriterOptions } from './writer.js';

/** An app's own types, where it wants rows of them: of a message's parts, and of metadata. */
export interface StoreTypes {
  part?: unknown;
  metadata?: unknown;
}
type PartOf<T extends StoreTypes> = T extends { part: infer P } ? P : MessagePart;
type GivenPart<T extends StoreTypes> = T extends { part: infer P }
  ? P
  : NonNullable<NewMessage['parts']>[number];
type MetadataOf<T extends StoreTypes> = T extends { metadata: infer M } ? M : unknown;

/** A message, as `messagesFor` and `getMessage` give it. */
export type Message<T extends StoreTypes = object> = Omit<AnyMessage, 'parts' | 'metadata'> & {
  /** What it is made of. */
  parts: PartOf<T>[];
  /** The app's alone; null if there is none. */
  metadata: MetadataOf<T>;
};
/** A message beside its siblings. */
export type Branch<T extends StoreTypes = object> = Omit<AnyBranch, 'parts' | 'metadata'> &
  Pick<Message<T>, 'parts' | 'metadata'>;

/** How to stream a message: what is its own, and how it is written. */
export type NewStream = Omit<NewMessage, 'head'> &
  Omit<WriterOptions, 'messageId'> & {
    /** Goes on with this message instead of adding one. */
    messageId?: MessageKey | undefined;
  };

/** What a store dispatches. */
export interface StoreEvents {
  /** In commit order, in every tab, one event for what a turn of the event loop committed. */
  change: CustomEvent<ChangeDetail>;
  /** The role, storage or version of this tab has changed, or whether little space is left. */
  status: CustomEvent<StoreStatus>;
}

/** The methods that the wasm class exports too, generated from Rust. */
type StoreMethods<T extends StoreTypes> = Omit<
  WasmConversationStore,
  'free' | typeof Symbol.dispose | keyof RowMethods<T>
> &
  RowMethods<T>;

/** Those of them that take or give rows, in the app's types. */
interface RowMethods<T extends StoreTypes> {
  addMessage(
    conversationId: ConversationKey,
    role: Role,
    content: string | readonly GivenPart<T>[],
    extra?: NewMessage,
  ): Promise<AddedMessage>;
  messagesFor(conversationId: ConversationKey, query?: MessageQuery): Promise<Message<T>[]>;
  getMessage(id: MessageKey): Promise<Message<T> | undefined>;
  branches(messageId: MessageKey): Promise<Branch<T>[]>;
}

/**
 * A web app's chats, kept in this browser in a SQLite database.
 *
 * Every method rejects with a {@link ConversationStoreError}, and takes {@link CallOptions} as its
 * last argument; optional arguments before it may be left out. Where a row is named, a number is
 * its id and a string its uid.
 */
export class ConversationStore<T extends StoreTypes = object>
  extends EventTarget
  implements StoreMethods<T>
{
  #connection: Connection | undefined;
  readonly #user: number;
  #closed: Promise<void> | undefined;
  readonly #watching = new Set<WatchListener>();
  readonly #writers = new Set<MessageWriter>();

  private constructor([connection, user]: [Connection, number]) {
    super();
    this.#connection = connection;
    this.#user = user;
    const tell = (type: string, detail: unknown) =>
      this.dispatchEvent(new CustomEvent(type, { detail }));
    connection.listen(user, {
      onChange: (detail) => {
        tell('change', detail);
        for (const watch of [...this.#watching]) watch.onChange(detail);
      },
      onStatus: (status) => tell('status', status),
    });
  }

  /**
   * Opens the database `name`, making it where there is none. ':memory:' keeps nothing and is a
   * new database at each open. Any number of tabs have a database open, and all read and write at once.
   *
   * @param name 1 to 200 bytes as a directory name; 'conversations' if not given.
   * @throws `invalid-argument`, `storage-unavailable` (no storage, worker or module, or not the
   * one that the database is in: the message says which), `blocked` (a tab that does not answer has it, after `timeout`), `timeout`, `aborted`, `conflict` (open
   * in this page with other options), `quota-exceeded`, `corrupt`,
   * `schema-too-new`, `unsupported-format`. A failed open deletes nothing.
   */
  static async open<T extends StoreTypes = object>(
    name: string = 'conversations',
    options: OpenOptions = {},
  ): Promise<ConversationStore<T>> {
    checkName(name);
    try {
      return new ConversationStore<T>(await Connection.join(name, options));
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
   * Recovers what can be read of a database that is damaged: every row that is left in its files is taken
   * into a new database, which then has its place; the next `open` gives that. What was deleted stays deleted
   * as far as the files still say so. The damaged bytes are kept: they are the `files` of the report, and stay
   * beside the database until it is deleted (or moved to OPFS). A crash or an abort in between leaves it as it was, or as it is
   * afterwards. Of a database that is not damaged, all is recovered.
   *
   * @throws `not-found`, `blocked` if it is open, here or in another tab; `corrupt` if there is nothing to be
   * read: all stays as it was, and `delete` makes room for a new one; `quota-exceeded` (needed are up to three
   * times its size), `aborted`, `timeout`.
   */
  static async salvage(
    name: string = 'conversations',
    options: SalvageOptions = {},
  ): Promise<SalvageReport> {
    checkName(name);
    try {
      checkOptions(options, 'worker', 'wasm', 'reader', 'readerWorker', 'onProgress');
      const { salvage } = await import('./salvage.js');
      return await salvage(name, options);
    } catch (error) {
      throw asOurs(error);
    }
  }

  /**
   * Makes a conversation and resolves to its id. Of a known `extra.uid` the row there is stands, unchanged.
   *
   * @param title At most 10,000 characters.
   * @param brain Who answers: 1 to 1,000 characters, 'claude' if not given.
   * @throws `invalid-argument`, `quota-exceeded`.
   */
  createConversation(
    title: string,
    brain?: string | NewConversation | CallOptions,
    extra?: NewConversation | CallOptions,
    options?: CallOptions,
  ): Promise<number> {
    const isName = typeof brain !== 'object' || brain === null;
    const [fields, rest] = isName
      ? split(extra, options)
      : split(brain, (options ?? extra) as CallOptions | undefined);
    const params = () => ({ title, brain: isName ? brain : undefined, extra: given(fields) });
    return this.#call('createConversation', params, 'write', rest);
  }

  /**
   * Adds a message after the head of a conversation and moves the conversation's `updatedAt`.
   * Resolves when the message is stored. `extra.parentId` names another place, null a first message;
   * `extra.head: false` leaves the path that is shown as it is. Of a known `extra.uid` the row there is
   * stands.
   *
   * @param content A text, or parts. At most 100,000,000 bytes of UTF-8. A lone surrogate is stored as
   * U+FFFD.
   * @throws `not-found`, `invalid-argument`, `conflict` (a known uid with other content),
   * `quota-exceeded`.
   */
  addMessage(
    conversationId: ConversationKey,
    role: Role,
    content: string | readonly GivenPart<T>[],
    extra?: NewMessage | CallOptions,
    options?: CallOptions,
  ): Promise<AddedMessage> {
    const [fields, rest] = split(extra, options);
    const params = () => {
      const message = given(fields ?? {});
      if (!Array.isArray(content)) return { conversationId, role, content, extra: message };
      const parts = text(content);
      return { conversationId, role, extra: { ...(message as object), parts } };
    };
    return this.#call('addMessage', params, 'write', rest);
  }

  /**
   * Makes the path of a conversation exactly these messages: what an app that holds the whole chat
   * calls after every turn. Unchanged ones are not written, known ids (uids) are updated, new ones
   * follow the one before, the last is the head. Messages that are no longer on the path stay as
   * branches. A user's message whose content changed, and that was answered, becomes a sibling: the new
   * row takes the uid.
   *
   * @param extra `create` makes the conversation if it is absent; `head` is the uid of the head that
   * the caller last saw.
   * @throws `not-found`, `invalid-argument`, `conflict` (the head has moved: `details.messages` are the
   * messages that are there since), `quota-exceeded`.
   */
  async saveMessages(
    conversationId: ConversationKey,
    messages: readonly NewMessage[],
    extra?: ChatSaving | CallOptions,
    options?: CallOptions,
  ): Promise<AddedMessage[]> {
    return ours(() => this.#save(conversationId, messages, ...split(extra, options)));
  }

  async #save(
    conversationId: ConversationKey,
    messages: readonly NewMessage[],
    fields?: ChatSaving | CallOptions,
    rest?: CallOptions,
  ): Promise<AddedMessage[]> {
    const params = () => ({
      conversationId,
      messages: Array.isArray(messages) ? messages.map(given) : messages,
      extra: given(fields),
    });
    try {
      return await this.#call('saveMessages', params, 'write', rest);
    } catch (error) {
      const { head } = (fields ?? {}) as ChatSaving;
      // Not that of an operation.
      const isOfHead = isConflict(error) && error.message.startsWith('head:');
      if (!isOfHead || head === undefined) throw error;
      const since = (await this.#since(conversationId, head, rest)) as unknown as AnyMessage[];
      throw new ConversationStoreError('conflict', error.message, { details: { messages: since } });
    }
  }

  /** The messages after a head that was seen; all of the path if it is not on it any more. */
  async #since(id: ConversationKey, head: string | null, options?: CallOptions) {
    const { operationId: _, ...rest } = options ?? {};
    if (head === null) return this.messagesFor(id, {}, rest);
    try {
      return await this.messagesFor(id, { after: { uid: head } }, rest);
    } catch (error) {
      if (!isConflict(error)) throw error;
      return this.messagesFor(id, {}, rest);
    }
  }

  /**
   * Conversations by (updatedAt, id), newest first. Without archived ones and those in the trash,
   * unless asked.
   *
   * @param query A number is the limit. Default limit 50, largest 1,000,000. The last row of a
   * page is the `after` of the next.
   * @throws `invalid-argument`.
   */
  async listConversations(
    query?: number | ConversationQuery | CallOptions,
    options?: CallOptions,
  ): Promise<Conversation[]> {
    const [asked, rest] = split(query, options);
    const params = () => ({ query: plainQuery(asked) });
    return this.#rows('listConversations', params, rest);
  }

  /**
   * Messages of a conversation, oldest first, always: those of the path to its head, or of all
   * branches; [] for a conversation that is not there.
   *
   * @param query No limit: all. A limit and no cursor: the newest `limit`. `before` or `after` a
   * message of this conversation (a row fits), without it. `branches: 'all'`: parents before children.
   * @throws `invalid-argument` (both cursors), `conflict` (the cursor's message is not in this
   * conversation, or not on its path).
   */
  async messagesFor(
    conversationId: ConversationKey,
    query?: MessageQuery | CallOptions,
    options?: CallOptions,
  ): Promise<Message<T>[]> {
    const [asked, rest] = split(query, options);
    const params = () => ({ conversationId, query: plainQuery(asked) });
    return this.#rows('messagesFor', params, rest);
  }

  /**
   * Deletes a conversation with its messages, for good. Resolves to the number of conversations
   * deleted: 0 or 1.
   */
  deleteConversation(id: ConversationKey, options?: CallOptions): Promise<number> {
    return this.#call('deleteConversation', () => ({ id }), 'write', options);
  }

  /** One conversation, or `undefined`. */
  async getConversation(
    id: ConversationKey,
    options?: CallOptions,
  ): Promise<Conversation | undefined> {
    return row(await this.#call('getConversation', () => ({ id }), 'read', options));
  }

  /**
   * Changes a conversation: title, brain, flags, tags, metadata, or the head of the path that is shown. A
   * field left out stays, null clears; `updatedAt` does not move.
   *
   * @throws `not-found`, `invalid-argument`, `quota-exceeded`.
   */
  updateConversation(
    id: ConversationKey,
    patch: ConversationPatch,
    options?: CallOptions,
  ): Promise<void> {
    return this.#void('updateConversation', () => ({ id, patch: given(patch) }), options);
  }

  /**
   * Deletes, for good, the conversations that have been in the trash since before `olderThan`; all
   * that are in it without that. Resolves to how many.
   */
  emptyTrash(
    olderThan?: string | number | Date | CallOptions,
    options?: CallOptions,
  ): Promise<number> {
    return ours(() => {
      const [time, rest] =
        olderThan instanceof Date ? [olderThan, options] : split(olderThan, options);
      return this.#call<number>('emptyTrash', () => ({ olderThan: plain(time) }), 'write', rest);
    });
  }

  /** Deletes everything, trash and attachments included. Ids are not given again. */
  clear(options?: CallOptions): Promise<void> {
    return this.#void('clear', () => ({}), options);
  }

  /**
   * One message, or `undefined`.
   *
   * @throws `conflict` if messages of two conversations have that uid: give
   * `{ conversationId, uid }`.
   */
  async getMessage(id: MessageKey, options?: CallOptions): Promise<Message<T> | undefined> {
    return row(await this.#call('getMessage', () => ({ id: plain(id) }), 'read', options));
  }

  /**
   * Changes a message. A field left out stays, null clears it; `content` replaces the parts by one
   * text part.
   *
   * @throws `not-found`, `invalid-argument`, `conflict` (an ambiguous uid), `quota-exceeded`.
   */
  updateMessage(id: MessageKey, patch: MessagePatch, options?: CallOptions): Promise<void> {
    return this.#void('updateMessage', () => ({ id: plain(id), patch: given(patch) }), options);
  }

  /**
   * Deletes a message, for good. What followed it follows its parent, and a head that it was moves
   * there. Resolves to 0 or 1.
   */
  deleteMessage(id: MessageKey, options?: CallOptions): Promise<number> {
    return this.#call('deleteMessage', () => ({ id: plain(id) }), 'write', options);
  }

  /**
   * Appends to the text of a message, at a cost that does not depend on its length. Its status stays.
   * For a whole answer see {@link messageWriter}.
   *
   * @throws `not-found`, `quota-exceeded`.
   */
  appendToMessage(id: MessageKey, text: string, options?: CallOptions): Promise<void> {
    return this.#void('appendToMessage', () => ({ id: plain(id), text }), options);
  }

  /**
   * A stream that writes a message while its text comes:
   * `response.body.pipeThrough(new TextDecoderStream()).pipeTo(writer)`. An object in the stream changes
   * parts, status, usage and the like. Text is on disk 100 ms (`flushInterval`) after it was written at
   * the latest. `close` makes the message complete, `abort` keeps what came.
   *
   * @param extra Of the new message; `messageId` goes on with one that is there.
   * @throws `not-found`, `invalid-argument`, `quota-exceeded`.
   */
  async messageWriter(
    conversationId: ConversationKey,
    extra?: NewStream | CallOptions,
    options?: CallOptions,
  ): Promise<MessageWriter> {
    const [fields, rest = {}] = split(extra, options);
    // Also after `close` was called: it ends the writers.
    const connection = this.#connection;
    if (!connection) throw closed();
    const ask = <R>(method: string, params: object, kind: Kind, options?: CallOptions) =>
      this.#callOn<R>(connection, method, () => params, kind, options);
    return ours(() =>
      openWriter(
        {
          add: ({ role, ...message }) =>
            ask(
              'addMessage',
              { conversationId, role, content: '', extra: {}, ...streamed(message) },
              'write',
              rest,
            ),
          find: async (key) => {
            const id = typeof key === 'string' ? { conversationId, uid: key } : plain(key);
            const found = row<Message<T> | undefined>(
              await ask('getMessage', { id }, 'read', rest),
            );
            const here = found && [found.conversationId, found.conversationUid];
            return here?.includes(conversationId) ? found : undefined;
          },
          // By its uid: after a restore an id may be another message's.
          append: ({ uid }, text, streaming) =>
            ask('appendToMessage', { id: { conversationId, uid }, text, streaming }, 'write'),
          update: ({ uid }, patch) =>
            ours(async () =>
              ask('updateMessage', { id: { conversationId, uid }, patch: given(patch) }, 'write'),
            ),
        },
        (fields ?? {}) as WriterOptions,
        rest.signal,
        this.#writers,
      ),
    );
  }

  /**
   * A message beside its siblings, in the order in which they came; [] of one that is not there.
   * `updateConversation(id, { head: branch.leafId })` shows another of them.
   *
   * @throws `conflict` for an ambiguous uid.
   */
  async branches(messageId: MessageKey, options?: CallOptions): Promise<Branch<T>[]> {
    return this.#rows('branches', () => ({ id: plain(messageId) }), options);
  }

  /**
   * Looks for messages, on whatever branch, and titles that hold every term: words in any order,
   * `"phrases"`, none of those after a `-`. A term matches wherever it stands, within words too, whatever
   * its case and diacritics; a single letter or digit, but of Han, kana and Hangul, where it stands alone.
   * Anything else is text.
   *
   * @param options Limit 20 if not given. The `cursor` of a hit is the `after` of the next page.
   * @throws `invalid-argument` (a query of over 10,000 bytes, a cursor of another search).
   */
  async search(
    query: string,
    options?: SearchQuery & CallOptions,
    callOptions?: CallOptions,
  ): Promise<SearchHit[]> {
    return ours(async () => {
      // Anything but an object is for the store to refuse.
      const [asked, rest] =
        typeof (options ?? {}) === 'object' ? parted(options, callOptions) : [options, callOptions];
      const params = () => ({ query, options: plain(asked) });
      return (await this.#call<SearchHit[]>('search', params, 'read', rest)).map(hit);
    });
  }

  /**
   * Copies the path to a message into a new conversation and resolves to its id. The copies have uids
   * of their own.
   *
   * @throws `not-found`, `quota-exceeded`.
   */
  fork(
    conversationId: ConversationKey,
    messageId: MessageKey,
    options?: CallOptions,
  ): Promise<number> {
    const params = () => ({ conversationId, messageId: plain(messageId) });
    return this.#call('fork', params, 'write', options);
  }

  /** A list of conversations that stays as the store is, in every tab. Nothing is read before it is subscribed to. */
  watchConversations(query?: number | ConversationQuery): Watch<Conversation> {
    const read = (query: number | ConversationQuery, options: CallOptions) =>
      this.listConversations(query, options);
    return watchConversations({ read, listen: this.#listen }, query);
  }

  /** The messages of a conversation, as they are and as they grow. */
  watchMessages(conversationId: ConversationKey, query?: MessageQuery): Watch<Message<T>> {
    const read = (query: MessageQuery, options: CallOptions) =>
      this.messagesFor(conversationId, query, options) as Promise<unknown[]> as Promise<
        AnyMessage[]
      >;
    const watch: unknown = watchMessages({ read, listen: this.#listen }, conversationId, query);
    return watch as Watch<Message<T>>;
  }

  #listen = (listener: WatchListener) => {
    this.#connection?.wantChanges();
    this.#watching.add(listener);
    return () => {
      this.#watching.delete(listener);
    };
  };

  /**
   * Keeps a Blob, once however often it is put. A message or conversation that names `ref` anywhere in
   * its parts, metadata or source keeps it; one that nobody names goes after a day.
   *
   * @throws `invalid-argument`, `quota-exceeded`.
   */
  async putBlob(blob: Blob, options?: CallOptions): Promise<StoredBlob> {
    return ours(() => putBlob(this.#asking(options), blob));
  }

  /** The Blob of a `ref` or hash, or `undefined`. */
  async getBlob(ref: string, options?: CallOptions): Promise<Blob | undefined> {
    return ours(() => getBlob(this.#asking(options), ref));
  }

  /**
   * Takes chats in: a file of ChatGPT, Claude, LibreChat or Open WebUI (also as a zip), messages of
   * OpenAI or the AI SDK, a SQLite file, an export of this package, or plain
   * `[{ title, messages: [{ role, content }] }]`; which one is found by its shape. A bare array of messages
   * is one conversation. Rows that were imported before and not touched here since take the file's
   * version; importing a file twice changes nothing.
   *
   * @throws `unsupported-format` or `corrupt` if nothing of it can be read; `aborted`, with what was taken in
   * in `details.report`; `not-found`; `quota-exceeded`, likewise. One bad entry is told in the report.
   */
  async import(
    data: Blob | string | object,
    options?: ImportOptions | CallOptions,
    callOptions?: CallOptions,
  ): Promise<ImportReport> {
    return ours(async () => {
      const [asked, rest] = parted(options, callOptions);
      const { onProgress, conversationId } = asked as ImportOptions;
      if (onProgress !== undefined && typeof onProgress !== 'function') {
        throw new ConversationStoreError('invalid-argument', 'onProgress is not a function');
      }
      const { importInto } = await loadTransfer();
      return importInto(this.#transfer(rest, conversationId), data, {
        ...(asked as ImportOptions),
        ...this.#limits(rest),
      });
    });
  }

  /**
   * Gives chats as a file: all, or those of `conversationIds`, archived ones and those in the trash
   * included. 'ndjson' (the default) holds everything and comes back by `import`; 'markdown' is for
   * reading; 'openai' and 'ai-sdk' are an array of messages for one chat, an array of chats for several.
   *
   * @throws `not-found`, `aborted`.
   */
  async export(options?: ExportOptions | CallOptions, callOptions?: CallOptions): Promise<File> {
    return ours(async () => {
      const [asked, rest] = parted(options, callOptions);
      const { conversationIds } = asked as ExportOptions;
      if (conversationIds !== undefined && !Array.isArray(conversationIds)) {
        throw new ConversationStoreError(
          'invalid-argument',
          'conversationIds is not an array of ids and uids',
        );
      }
      const { exportFrom } = await loadTransfer();
      return exportFrom(this.#transfer(rest), {
        ...(asked as ExportOptions),
        ...this.#limits(rest),
      });
    });
  }

  /** How long to wait for the module of formats, and where it is. */
  #limits(options: CallOptions = {}) {
    if (!this.#connection) throw closed();
    checkOptions(options, 'operationId');
    const { signal, timeout } = options;
    return { signal, timeout, ...this.#connection.formats };
  }

  #transfer(options?: CallOptions, into?: ConversationKey): TransferCalls {
    const ask = this.#asking(options);
    let batches = 0;
    return {
      importBatch: (conversations, how) => {
        batches += 1;
        const operationId = options?.operationId && `${options.operationId}#${batches}`;
        const params = () => ({ conversations, options: plain(how) });
        return this.#call('importBatch', params, 'write', { ...options, operationId });
      },
      chats: ({ conversationIds }) => this.#chats(ask, conversationIds),
      putBlob: (blob) => putBlob(ask, blob),
      getBlob: (ref) => getBlob(ask, ref),
      importSqlite: async (file, { conflict, onProgress }) => {
        const how = plain({ conflict, conversationId: into });
        const report = (await ask('merge', { file, options: how }, 'write')) as ImportReport;
        const { conversations, messages } = report;
        const sum = (counts: typeof messages) =>
          counts.created + counts.updated + counts.skipped + counts.failed;
        onProgress?.({
          read: file.size,
          total: file.size,
          conversations: sum(conversations),
          messages: sum(messages),
        });
        return report;
      },
    };
  }

  /** Chats to be exported, one at a time. */
  async *#chats(ask: Ask, chosen?: readonly ConversationKey[]): AsyncGenerator<string> {
    for (const id of chosen ?? (await this.#allIds(ask))) {
      const chat = await ask('exportChat', { id }, 'read');
      if (chat) {
        yield JSON.stringify(chat);
      } else if (chosen) {
        const message = `conversationIds: there is no conversation ${JSON.stringify(id)}`;
        throw new ConversationStoreError('not-found', message);
      }
      // Else it has gone since.
    }
  }

  /** As they came: those of one time are in the order of their ids, here and where they go. */
  async #allIds(ask: Ask): Promise<number[]> {
    const query = { limit: 500, archived: 'any', trashed: 'any' } as const;
    const all: number[] = [];
    let after: Conversation | undefined;
    do {
      const params = { query: plainQuery({ ...query, after }) };
      const page = (await ask('listConversations', params, 'read')) as Conversation[];
      for (const { id } of page) all.push(id);
      after = page.length === query.limit ? page.at(-1) : undefined;
    } while (after);
    return all.sort((a, b) => a - b);
  }

  /**
   * Looks at every row, or at those of one conversation, and mends what another program left: no text
   * is destroyed. What was healed since this was last asked is told, the opening included.
   *
   * @throws `not-found`, `quota-exceeded`.
   */
  heal(conversationId?: ConversationKey | CallOptions, options?: CallOptions): Promise<HealReport> {
    return ours(() => {
      const [id, rest] = split(conversationId, options);
      if (id !== undefined) {
        return this.#call<HealReport>('heal', () => ({ conversationId: id }), 'write', rest);
      }
      return this.#healAll(this.#asking(rest));
    });
  }

  /** In steps, so that other calls have their turn. */
  async #healAll(ask: Ask): Promise<HealReport> {
    const all: HealReport = { healed: 0, repairs: [] };
    let after: number | null = 0;
    do {
      const step = (await ask('healStep', { after }, 'write')) as {
        report: HealReport;
        next: number | null;
      };
      all.healed += step.report.healed;
      for (const repair of step.report.repairs) {
        const known = all.repairs.find(({ kind }) => kind === repair.kind);
        if (!known) {
          all.repairs.push(repair);
          continue;
        }
        known.count += repair.count;
        known.ids = [...known.ids, ...repair.ids].slice(0, 1_000);
      }
      after = step.next;
    } while (after !== null);
    return all;
  }

  /**
   * Looks for damage, in steps between which other calls have their turn; nothing is written. `quick` does
   * not hold indexes against their tables. What is found is for people; see `salvage`.
   */
  async integrityCheck(
    options?: { quick?: boolean } | CallOptions,
    callOptions?: CallOptions,
  ): Promise<IntegrityReport> {
    return ours(async () => {
      const [asked, rest] = parted(options, callOptions);
      const { quick } = asked as { quick?: boolean };
      const ask = this.#asking(rest);
      const problems: string[] = [];
      let at: [number, number] | null = [0, 0];
      while (at) {
        const step = await ask('integrityStep', { quick: quick === true, at }, 'read');
        const found = step as { problems: string[]; next: [number, number] | null };
        problems.push(...found.problems);
        at = found.next;
      }
      return { ok: problems.length === 0, problems: problems.slice(0, 1_000) };
    });
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
    const connection = this.#connection;
    this.#connection = undefined;
    this.#closed ??= connection ? this.#leave(connection) : Promise.resolve();
    return within(this.#closed, options);
  }

  async #leave(connection: Connection): Promise<void> {
    for (const watch of [...this.#watching]) watch.onClose(closed());
    // What they hold is stored first.
    await Promise.allSettled([...this.#writers].map((writer) => writer[Symbol.asyncDispose]()));
    await connection.leave(this.#user);
  }

  /** 'change': something was committed, in any tab. 'status': this tab's part in it has changed, or whether little space is left. */
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

  async #void(method: string, params: () => object, options?: CallOptions): Promise<void> {
    await this.#call(method, params, 'write', options);
  }

  async #rows<R>(method: string, params: () => object, options?: CallOptions): Promise<R[]> {
    const rows = await this.#call<unknown[]>(method, params, 'read', options);
    return rows.map(row<R>);
  }

  /** Calls that are part of one. */
  #asking(given: CallOptions = {}): Ask {
    checkOptions(given, 'operationId');
    const { operationId: _, ...options } = given;
    return (method: string, params: object, kind: Kind) =>
      this.#call<unknown>(method, () => params, kind, options);
  }

  async #call<T>(
    method: string,
    params: () => object,
    kind: Kind,
    options?: CallOptions,
  ): Promise<T> {
    return this.#callOn<T>(this.#connection, method, params, kind, options);
  }

  /** `params` may run code of the caller's, a getter's: what that throws, the call rejects with. */
  async #callOn<T>(
    connection: Connection | undefined,
    method: string,
    params: () => object,
    kind: Kind,
    options?: CallOptions,
  ): Promise<T> {
    if (!connection) throw closed();
    try {
      return (await connection.call(this.#user, method, params(), kind, options)) as T;
    } catch (error) {
      throw asOurs(error);
    }
  }
}

/** The code of import and export, with the first of them. */
async function loadTransfer(): Promise<typeof import('./transfer.js')> {
  try {
    return await import('./transfer.js');
  } catch (error) {
    throw new ConversationStoreError(
      'storage-unavailable',
      `the code of import and export could not be loaded: ${error}`,
      { cause: error },
    );
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

function isConflict(error: unknown): error is ConversationStoreError {
  return error instanceof ConversationStoreError && error.code === 'conflict';
}

/** The first fields of a message to be streamed. */
function streamed(message: Record<string, unknown>): object {
  const { content, parts, ...extra } = message;
  if (parts === undefined) return { content: content ?? '', extra: given(extra) };
  return { content, extra: given({ ...extra, parts }) };
}

/** Call options may stand where an optional argument was left out. */
function split<T>(given: T | CallOptions | undefined, options: CallOptions | undefined) {
  if (options === undefined && isCallOptions(given)) return [undefined, given] as const;
  return [given as T | undefined, options] as const;
}

/** Options of a call among those of an import or export, or after them. */
function parted(given: object | undefined, options: CallOptions | undefined) {
  if (options !== undefined) checkOptions(options, 'operationId');
  const { signal, timeout, operationId, ...asked } = (given ?? {}) as CallOptions;
  const rest = { signal, timeout, operationId, ...options };
  return [asked as object, rest] as const;
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
