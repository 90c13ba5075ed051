/**
 * Import and export: between a file, which the module of formats reads and writes in a worker of its
 * own, and a store, of which this knows only {@link TransferCalls}. Loaded with the first of either.
 *
 * Text crosses as text and nothing large is parsed here: this is the page's thread. One batch is read
 * while the one before it is stored, and no more.
 */

import { Calls, stopIfAborted } from './calls.js';
import { asOurs, ConversationStoreError, type ErrorData } from './errors.js';
import type { Batch, FormatRequests, ImportFailure } from './formats.js';
import type { Program } from './port.js';
import type { ConflictRule, Counts } from './wasm/conversation_store.js';

export type { ImportFailure } from './formats.js';

/** What an import did. */
export interface ImportReport {
  conversations: Counts;
  messages: Counts;
  /** Of the conversations, in the order of the file. */
  ids: number[];
  failures: ImportFailure[];
}

/** How far an import is. */
export interface ImportProgress {
  /** Bytes read, of `total`. */
  read: number;
  total: number;
  /** Handled so far, failed ones too. */
  conversations: number;
  messages: number;
}

/** How to import. */
export interface ImportOptions {
  /**
   * 'chatgpt', 'claude', 'openai', 'ai-sdk', 'librechat', 'open-webui', 'plain' or 'ndjson', where
   * the shape of the file is not to decide.
   */
  format?: string | undefined;
  /** The file's one conversation goes into this one. */
  conversationId?: number | string | undefined;
  /** The title of messages without a conversation around them. */
  title?: string | undefined;
  /** Who answers, where the file does not say. */
  brain?: string | undefined;
  /** 'update' if not given. */
  conflict?: ConflictRule | undefined;
  /** Called after each batch. */
  onProgress?: ((progress: ImportProgress) => void) | undefined;
}

/** How to export. */
export interface ExportOptions {
  /** 'ndjson' if not given: lossless, and in a zip where there are attachments. */
  format?: 'ndjson' | 'markdown' | 'openai' | 'ai-sdk' | undefined;
  /** All if not given. */
  conversationIds?: readonly (number | string)[] | undefined;
}

/** How to load the module, and when to stop. */
export interface TransferOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds without progress until `timeout`. 30,000 if not given. */
  timeout?: number | undefined;
  formatsWorker?: (() => Worker) | undefined;
  formats?: string | URL | WebAssembly.Module | undefined;
}

/** What import and export ask of a store. Each call has its own deadline. */
export interface TransferCalls {
  /** Stores the chats of a JSON array, each whole or not at all. */
  importBatch(
    conversations: string,
    options: Pick<ImportOptions, 'conversationId' | 'conflict' | 'brain'>,
  ): Promise<ImportReport>;
  /** The chats to export, each as JSON text, whole. */
  chats(
    query: Pick<ExportOptions, 'conversationIds'>,
    signal: AbortSignal | undefined,
  ): AsyncIterable<string>;
  /** Stores an attachment; `hash` is the SHA-256 in hex that it has. */
  putBlob(blob: Blob): Promise<{ hash: string }>;
  getBlob(ref: string): Promise<Blob | undefined>;
  /** Merges a SQLite file. Without it, such a file is `unsupported-format`. */
  importSqlite?(
    file: Blob,
    options: Pick<ImportOptions, 'conflict' | 'brain' | 'onProgress'>,
    signal: AbortSignal | undefined,
  ): Promise<ImportReport>;
}

/** How an attachment is named in JSON, before the SHA-256 in hex. */
const REFERENCE = 'conversation-store:sha256-';

/**
 * Reads a file into a store, in batches.
 *
 * @throws `aborted` and whatever a batch is refused with, both with `details.report` of what is
 * stored; `unsupported-format` or `corrupt` if nothing of the file can be read; `invalid-argument`.
 */
export async function importInto(
  calls: TransferCalls,
  data: Blob | string | object,
  options: ImportOptions & TransferOptions = {},
): Promise<ImportReport> {
  const { signal, conflict, brain, conversationId, onProgress } = options;
  const report: ImportReport = {
    conversations: { created: 0, updated: 0, skipped: 0, failed: 0 },
    messages: { created: 0, updated: 0, skipped: 0, failed: 0 },
    ids: [],
    failures: [],
  };
  let formats: Calls<FormatRequests> | undefined;
  try {
    const file = asBlob(data);
    formats = formatCalls(options);
    const { format, title } = options;
    const container = await formats.call('read', file, {
      ...(format !== undefined && { format }),
      ...(title !== undefined && { title }),
      ...(brain !== undefined && { brain }),
      intoConversation: conversationId !== undefined,
    });
    if (container === 'sqlite') {
      formats.stop();
      if (calls.importSqlite) {
        return await calls.importSqlite(file, { conflict, brain, onProgress }, signal);
      }
      throw new ConversationStoreError(
        'unsupported-format',
        'the file is a SQLite database: use restore() to put it in the place of this one',
      );
    }
    let next = formats.call('next');
    for (;;) {
      const batch = await next;
      if (!batch) break;
      // Read on while this one is stored. Its failure is met when it is awaited.
      next = formats.call('next');
      next.catch(() => {});
      await store(batch);
      onProgress?.({
        read: batch.read,
        total: batch.total,
        conversations: sum(report.conversations),
        messages: sum(report.messages),
      });
    }
  } catch (error) {
    throw withReport(error, report);
  } finally {
    formats?.stop();
  }
  const [failure] = report.failures.filter(({ kind }) => kind === 'file');
  const { failed } = report.conversations;
  if (failure && sum(report.conversations) === failed) {
    const { code, message } = failure;
    throw new ConversationStoreError(code as ErrorData['code'], message, { details: { report } });
  }
  return report;

  async function store(batch: Batch): Promise<void> {
    fail(batch.failures);
    for (const { hash, blob } of batch.blobs) {
      stopIfAborted(signal);
      const stored = await calls.putBlob(blob);
      if (stored.hash !== hash) {
        const message = 'the attachment is damaged: its bytes have another hash than its name says';
        const at = { file: `blobs/${hash}` };
        fail([{ kind: 'file', id: hash, code: 'corrupt', message, at }]);
      }
    }
    stopIfAborted(signal);
    if (batch.conversations === '') return;
    const { conversations, messages, ids, failures } = await calls.importBatch(
      batch.conversations,
      { conversationId, conflict, brain },
    );
    add(report.conversations, conversations);
    add(report.messages, messages);
    for (const id of ids) report.ids.push(id);
    for (const failure of failures) report.failures.push(failure);
  }

  /** What did not come to the store, so that the store did not count it. */
  function fail(failures: ImportFailure[]): void {
    for (const failure of failures) {
      if (failure.kind === 'conversation') report.conversations.failed += 1;
      else if (failure.kind === 'message') report.messages.failed += 1;
      report.failures.push(failure);
    }
  }
}

/**
 * Writes a store's chats to a file, whose name ends as fits its type.
 *
 * @throws `aborted`, `invalid-argument`, and whatever the store does.
 */
export async function exportFrom(
  calls: TransferCalls,
  options: ExportOptions & TransferOptions = {},
): Promise<File> {
  const { signal, format, conversationIds } = options;
  const formats = formatCalls(options);
  try {
    const exportedAt = new Date().toISOString();
    await formats.call('write', { ...(format !== undefined && { format }), exportedAt });
    for await (const chat of calls.chats({ conversationIds }, signal)) {
      await formats.call('add', chat);
    }
    for (const hash of await formats.call('references')) {
      stopIfAborted(signal);
      const blob = await calls.getBlob(REFERENCE + hash);
      if (blob) await formats.call('attach', hash, blob);
    }
    const { blob, extension } = await formats.call('finish');
    return new File([blob], `chats.${extension}`, { type: blob.type });
  } finally {
    formats.stop();
  }
}

/** Strings, bytes and objects as a file. */
function asBlob(data: Blob | string | object): Blob {
  if (data instanceof Blob) return data;
  if (typeof data === 'string') return new Blob([data]);
  if (data instanceof ArrayBuffer) return new Blob([data]);
  if (ArrayBuffer.isView(data)) return new Blob([data as Uint8Array<ArrayBuffer>]);
  let text: string | undefined;
  try {
    text = data === null || typeof data !== 'object' ? undefined : JSON.stringify(data);
  } catch (error) {
    const message = `the data cannot be written as JSON: ${error}`;
    throw new ConversationStoreError('invalid-argument', message, { cause: error });
  }
  if (text === undefined) {
    const message = 'the data must be a Blob, a string or an object';
    throw new ConversationStoreError('invalid-argument', message);
  }
  return new Blob([text]);
}

function add(to: Counts, more: Counts): void {
  to.created += more.created;
  to.updated += more.updated;
  to.skipped += more.skipped;
  to.failed += more.failed;
}

function sum({ created, updated, skipped, failed }: Counts): number {
  return created + updated + skipped + failed;
}

function withReport(error: unknown, report: ImportReport): ConversationStoreError {
  const { code, message, cause, details } = asOurs(error);
  return new ConversationStoreError(code, message, { cause, details: { ...details, report } });
}

const FORMATS: Program = {
  name: 'import or export',
  options: ['OpenOptions.formatsWorker', 'OpenOptions.formats'],
  worker: () => new Worker(new URL('./formats-worker.js', import.meta.url), { type: 'module' }),
  url: () => new URL('./wasm/conversation_formats_bg.wasm', import.meta.url),
  async serve(port, waiting, init) {
    const [glue, { serveFormats }] = await Promise.all([
      import('./wasm/conversation_formats.js'),
      import('./formats.js'),
    ]);
    await init(glue);
    serveFormats(port, waiting);
  },
};

/** The module of formats, for one import or export. */
export function formatCalls({ formatsWorker, formats, ...limits }: TransferOptions) {
  const late = 'the file was not read or written on';
  const options = { worker: formatsWorker, wasm: formats, memory: true, late, ...limits };
  return new Calls<FormatRequests>(options, FORMATS);
}
