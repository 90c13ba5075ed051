/**
 * Serves the requests of an import or export, beside the wasm module of formats: in a worker of its
 * own, so that all of it may be synchronous, or on this thread where there is none. One request
 * after another, each answered. Knows no format and no store.
 */

import { answerCalls, type Line } from './boot.js';
import type { ErrorData } from './errors.js';
import { ExportWriter, ImportReader } from './wasm/conversation_formats.js';

/** Something that was not imported, and why. */
export interface ImportFailure {
  /** Of a 'file', what follows the place; the rest that is there is imported. */
  kind: 'conversation' | 'message' | 'file';
  /** Its id in the file. */
  id?: string;
  code: string;
  message: string;
  /** The entry of a zip, and bytes from its beginning. */
  at?: { file?: string; offset?: number };
}

/** What is asked, and what is answered. */
export interface FormatRequests {
  read(
    data: Blob,
    options: { format?: string; title?: string; brain?: string; intoConversation?: boolean },
  ): 'sqlite' | 'zip' | 'text';
  /** What comes next of the file; undefined at its end. */
  next(): Batch | undefined;
  write(options: { format?: string; exportedAt?: string }): void;
  /** A chat as JSON text. */
  add(chat: string): void;
  /** The hashes of attachments that the chats name. */
  references(): string[];
  attach(hash: string, blob: Blob): void;
  finish(): { blob: Blob; extension: string };
}

/** A piece of a file. */
export interface Batch {
  /** The JSON text of an array of chats; '' for none. */
  conversations: string;
  failures: ImportFailure[];
  blobs: { hash: string; blob: Blob }[];
  read: number;
  total: number;
}

/** What an import's module says of a batch. */
interface Report {
  count: number;
  failures: ImportFailure[];
  read: number;
  total: number;
  blobs: { hash: string; type: string; size: number; offset?: number; entry: number }[];
}

const PIECE = 1 << 20;

type Handlers = {
  [M in keyof FormatRequests]: (
    ...params: Parameters<FormatRequests[M]>
  ) => ReturnType<FormatRequests[M]> | Promise<ReturnType<FormatRequests[M]>>;
};

/** Answers what comes, from `waiting` on. */
export function serveFormats(line: Line, waiting: unknown[]): void {
  answerCalls(line, waiting, { ...reading(), ...writing() }, errorData);
}

/** The module throws its errors as JSON text; what else is thrown is a trap or a bug. */
function errorData(error: unknown): ErrorData {
  if (typeof error === 'string') return JSON.parse(error);
  if (error instanceof WebAssembly.RuntimeError) {
    return { code: 'crashed', message: `the module of formats failed: ${error.message}` };
  }
  if (error instanceof DOMException) {
    return { code: 'invalid-argument', message: `the file cannot be read: ${error.message}` };
  }
  return { code: 'internal', message: String(error) };
}

function reading(): Pick<Handlers, 'read' | 'next'> {
  let data: Blob;
  let reader: ImportReader;

  /** Where it lies in the file as it is, a part of the file. */
  const attachment = ({ type, size, offset, entry }: Report['blobs'][number]): Blob => {
    if (offset !== undefined) return data.slice(offset, offset + size, type);
    const pieces: Blob[] = [];
    reader.readBlob(entry, (piece: Uint8Array<ArrayBuffer>) => pieces.push(new Blob([piece])));
    return new Blob(pieces, { type });
  };

  return {
    async read(blob, options) {
      data = blob;
      reader = new ImportReader(await readable(blob), JSON.stringify(options));
      return reader.container as 'sqlite' | 'zip' | 'text';
    },
    next() {
      const batch = reader.next();
      if (!batch) return undefined;
      const conversations = batch.conversations;
      const { count, failures, blobs, read, total }: Report = JSON.parse(batch.report);
      batch.free();
      const attachments: Batch['blobs'] = [];
      for (const entry of blobs) {
        try {
          attachments.push({ hash: entry.hash, blob: attachment(entry) });
        } catch (error) {
          const at = { file: `blobs/${entry.hash}` };
          failures.push({ kind: 'file', id: entry.hash, ...errorData(error), at });
        }
      }
      const text = count > 0 ? conversations : '';
      return { conversations: text, failures, blobs: attachments, read, total };
    },
  };
}

/** What the module reads from: a Blob a slice at a time, or all bytes where that cannot be. */
async function readable(blob: Blob): Promise<Blob | Uint8Array> {
  if ('FileReaderSync' in globalThis) return blob;
  const name = 'name' in blob ? `'${blob.name}'` : 'the file';
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (error) {
    const message = `${name} of ${blob.size} bytes cannot be read here: ${error}`;
    throw JSON.stringify({ code: 'invalid-argument', message });
  }
}

function writing(): Omit<Handlers, 'read' | 'next'> {
  let writer: ExportWriter;
  let attached = false;
  const pieces: Blob[] = [];

  /** What is written goes out of memory a megabyte at a time. */
  const drain = (least = PIECE) => {
    if (writer.waiting >= least) pieces.push(new Blob([writer.drain() as Uint8Array<ArrayBuffer>]));
  };

  const copy = async (blob: Blob, write: (bytes: Uint8Array) => void) => {
    for (let at = 0; at < blob.size; at += PIECE) {
      write(new Uint8Array(await blob.slice(at, at + PIECE).arrayBuffer()));
      drain();
    }
  };

  return {
    write(options) {
      writer = new ExportWriter(JSON.stringify(options));
    },
    add(chat) {
      writer.add(chat);
      drain();
    },
    references: () => writer.references(),
    async attach(hash, blob) {
      if (!attached) {
        // Only now is it known that it has to be a zip: the lines go into one.
        attached = true;
        drain(1);
        const lines = new Blob(pieces.splice(0));
        writer.free();
        writer = new ExportWriter('{"blobs":true}');
        await copy(lines, (bytes) => writer.lines(bytes));
      }
      writer.blob(hash, blob.type, blob.size);
      await copy(blob, (bytes) => writer.blobBytes(bytes));
    },
    finish() {
      writer.finish();
      drain(1);
      const blob = new Blob(pieces, { type: writer.mediaType });
      return { blob, extension: writer.extension };
    },
  };
}
