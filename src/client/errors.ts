/**
 * The error class of the package. Codes cross from the worker as data, since structured clone
 * keeps only `name` and `message` of an Error. Knows no worker and no request.
 */

import type { ImportReport } from './transfer.js';
import type { ErrorCode, Message } from './wasm/conversation_store.js';

/** What the worker sends of an error. */
export interface ErrorData {
  code: ErrorCode;
  message: string;
  /** Of `quota-exceeded`. */
  space?: { usage: number; quota: number };
}

/** What an error tells beside its message, by code. */
export interface ErrorDetails {
  /**
   * Of a write that may or may not have happened: `timeout`, `crashed`, a store that did not open
   * again. Repeated with this as `CallOptions.operationId` it happens once.
   */
  operationId?: string;
  /** Of `saveMessages`, where the head has moved: the messages that are there since. */
  messages?: Message[];
  /** Of `quota-exceeded`: bytes that this origin uses, as the browser estimated when it refused. */
  usage?: number;
  /**
   * Of `quota-exceeded`: bytes that it may use, likewise. Chromium says of every origin that 10 GB are
   * left, whatever it grants; that it refused is what counts.
   */
  quota?: number;
  /** Of an import that ended before its time: what is stored all the same. */
  report?: ImportReport;
}

/**
 * What every method of this package rejects with. Branch on `code`, which is one of a closed set;
 * `message` says what was wrong with which argument and what to do.
 */
export class ConversationStoreError extends Error {
  override readonly name = 'ConversationStoreError';
  /** What went wrong. */
  readonly code: ErrorCode;
  /** More about it, by code. */
  readonly details?: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    { details, ...options }: ErrorOptions & { details?: ErrorDetails | undefined } = {},
  ) {
    super(message, options);
    this.code = code;
    if (details) this.details = details;
  }
}

/** The error that an aborted call rejects with; its `cause` is the signal's reason. */
export function aborted(signal: AbortSignal): ConversationStoreError {
  return new ConversationStoreError('aborted', 'the call was aborted by its signal', {
    cause: signal.reason,
  });
}

/** What was thrown, as the error that every method rejects with. */
export function asOurs(error: unknown): ConversationStoreError {
  if (error instanceof ConversationStoreError) return error;
  return new ConversationStoreError('invalid-argument', `an argument cannot be used: ${error}`, {
    cause: error,
  });
}

/** Does what takes several steps: whatever an argument throws on the way is ours too. */
export async function ours<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asOurs(error);
  }
}
