// The shapes of import and export, until the package's own types have them: this file goes then.

import type { CallOptions, ConversationStore } from 'conversation-store';

export interface ImportFailure {
  kind: string;
  id?: string;
  code: string;
  message: string;
  /** The entry of an archive, and bytes from its beginning. */
  at?: { file?: string; offset?: number };
}

export interface ImportReport {
  conversations: ImportCounts;
  messages: ImportCounts;
  ids: number[];
  failures: ImportFailure[];
}

export type ImportCounts = Record<Outcome, number>;
export type Outcome = 'created' | 'updated' | 'skipped' | 'failed';

export interface ImportProgress {
  read: number;
  total: number;
  conversations: number;
  messages: number;
}

export interface ImportOptions {
  format?: string;
  conversationId?: number;
  title?: string;
  brain?: string;
  conflict?: 'keep' | 'update' | 'duplicate';
  onProgress?: (progress: ImportProgress) => void;
}

export interface ExportOptions {
  format?: 'ndjson' | 'markdown' | 'openai' | 'ai-sdk';
  conversationIds?: number[];
}

export interface Transferring {
  import(
    data: Blob | string | object,
    options?: ImportOptions,
    call?: CallOptions,
  ): Promise<ImportReport>;
  export(options?: ExportOptions, call?: CallOptions): Promise<Blob>;
}

/** The store, as what it will be. */
export function transferring(store: ConversationStore): Transferring {
  return store as unknown as Transferring;
}

/** What was taken in before an import was stopped. */
export function reportOf(error: unknown): ImportReport | undefined {
  return (error as { details?: { report?: ImportReport } } | undefined)?.details?.report;
}
