/**
 * Attachments, piece by piece: a Blob is never whole in the memory of wasm. Knows no SQL and no worker:
 * it makes calls. The bytes are known by their SHA-256, so that a piece that is sent again is the same.
 */

import { ConversationStoreError } from './errors.js';
import type { StoredBlob } from './wasm/conversation_store.js';

/** Bytes of a piece, as src/store/blobs.rs has it. */
const PIECE = 262_144;

/** Makes a call of the store. */
export type Ask = (method: string, params: object, kind: 'read' | 'write') => Promise<unknown>;

/** Keeps a Blob. */
export async function putBlob(ask: Ask, blob: unknown): Promise<StoredBlob> {
  if (!(blob instanceof Blob)) {
    throw new ConversationStoreError('invalid-argument', 'blob: give a Blob or File');
  }
  const hash = (await ask('hashBlob', { blob }, 'read')) as string;
  const known = await ask('getBlob', { hash }, 'read');
  // Of one that is there, the first piece says that it is wanted still.
  const end = known ? Math.min(blob.size, PIECE) : blob.size;
  let offset = 0;
  do {
    const piece = blob.slice(offset, offset + PIECE);
    const bytes = new Uint8Array(await piece.arrayBuffer());
    const params = { hash, size: blob.size, type: blob.type, offset, bytes };
    try {
      await ask('putBlobPiece', params, 'write');
    } catch (error) {
      await dropUnlessRoom(ask, hash, error);
      throw error;
    }
    offset += PIECE;
  } while (offset < end);
  const stored = (await ask('getBlob', { hash }, 'read')) as StoredBlob | null;
  if (!stored) {
    const reason = 'there was no space for the same Blob, which another call put at the same time';
    throw new ConversationStoreError('quota-exceeded', reason);
  }
  // The bytes may have been put under another type before.
  return { ...stored, type: blob.type };
}

/** What there is no room for leaves none of its pieces. */
async function dropUnlessRoom(ask: Ask, hash: string, error: unknown): Promise<void> {
  if (!(error instanceof ConversationStoreError) || error.code !== 'quota-exceeded') return;
  // Where that cannot be done either, they go after a day.
  await ask('dropBlob', { hash }, 'write').catch(() => {});
}

/** Gives one back, if it is there. */
export async function getBlob(ask: Ask, hash: unknown): Promise<Blob | undefined> {
  const known = (await ask('getBlob', { hash }, 'read')) as StoredBlob | null;
  if (!known) return undefined;
  const pieces: Blob[] = [];
  for (let offset = 0; offset < known.size; offset += PIECE) {
    const bytes = await ask('getBlobPiece', { hash, offset }, 'read');
    // A Blob for each: the browser may keep it outside this page's memory.
    pieces.push(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  }
  return new Blob(pieces, { type: known.type });
}
