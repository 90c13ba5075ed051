// An import: with its progress, its report, and the way back.

import {
  type ChangeDetail,
  type ConversationStore,
  ConversationStoreError,
  type ImportReport,
} from 'conversation-store';
import { t } from '../i18n/index.ts';
import type { Toasts } from '../toasts.ts';
import { ImportDialog } from './import-dialog.ts';

/** Imports a file in sight of the reader. Resolves when all that it will do is done and told. */
export async function importFile(
  store: ConversationStore,
  file: File,
  toasts: Toasts,
  refuge: () => void,
): Promise<void> {
  const abort = new AbortController();
  const dialog = new ImportDialog(file.name, () => abort.abort(), refuge);
  const made = listenForNew(store);
  let report: ImportReport | undefined;
  let failure: unknown;
  try {
    report = await store.import(
      file,
      { onProgress: (progress) => dialog.progress(progress) },
      { signal: abort.signal },
    );
  } catch (error) {
    failure = error;
    report = error instanceof ConversationStoreError ? error.details?.report : undefined;
  }
  const ids = await made.end(report?.ids ?? []);
  const undo = ids.length > 0 ? () => takeBack(store, ids, toasts) : undefined;
  dialog.report(report, failure, undo);
}

/** Hears which chats are made from now on, to tell them from those that were only updated. */
function listenForNew(store: ConversationStore) {
  const made = new Set<number>();
  let missed = false;
  const listen = ({ detail }: CustomEvent<ChangeDetail>) => {
    missed ||= detail.reset;
    for (const { kind, op, id } of detail.changes) {
      if (kind === 'conversation' && op === 'insert') made.add(id);
    }
  };
  store.addEventListener('change', listen);
  return {
    end: async (ids: readonly number[]): Promise<number[]> => {
      // The last of them are told beside the answer: an answer later they have been.
      await store.status().catch(() => undefined);
      store.removeEventListener('change', listen);
      // Of what was missed nobody knows whether it was there before.
      return missed ? [] : ids.filter((id) => made.has(id));
    },
  };
}

/** Deletes what an import has made. The file has it still. */
async function takeBack(
  store: ConversationStore,
  ids: readonly number[],
  toasts: Toasts,
): Promise<void> {
  try {
    // Calls that wait at the same moment share a commit.
    for (let at = 0; at < ids.length; at += 100) {
      await Promise.all(ids.slice(at, at + 100).map((id) => store.deleteConversation(id)));
    }
    toasts.show(t('transfer.takenBack', { count: ids.length }));
  } catch (error) {
    toasts.fail(t('transfer.notTakenBack'), error);
  }
}
