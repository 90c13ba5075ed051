/**
 * Rows and arguments on their way between an app and the store: in arguments, the fields that are the
 * app's own JSON cross as text, made here. Knows no call and no worker. (The wasm class does the same for
 * its callers: src/wasm/fields.rs.)
 */

import type { MessagePart, SearchHit } from './wasm/conversation_store.js';

/** The fields of what makes a row that cross as JSON text. */
const TEXTS = ['parts', 'usage', 'error', 'metadata', 'source'];

interface Wire {
  content?: string;
  parts?: MessagePart[] | null;
  tags?: string[] | null;
}

/** A row as an app has it, of one as it came: lists that the store leaves out are there. */
export function row<T>(wire: unknown): T {
  if (typeof wire !== 'object' || wire === null) return undefined as T;
  const fields = wire as Wire;
  if ('tags' in fields) fields.tags ??= [];
  else fields.parts ??= fields.content ? [{ type: 'text', text: fields.content }] : [];
  return fields as T;
}

/** A hit as an app has it. */
export function hit(wire: SearchHit): SearchHit {
  row(wire.conversation);
  return wire;
}

/** What makes or changes a row: a copy that can be sent. Anything but an object is for the store to refuse. */
export function given(fields: unknown): unknown {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return fields;
  const copy = plainObject(fields) as Record<string, unknown>;
  for (const name of TEXTS) {
    const value = (fields as Record<string, unknown>)[name];
    if (value !== undefined && value !== null) copy[name] = text(value);
  }
  // A reactive proxy cannot be sent.
  if (Array.isArray(copy.tags)) copy.tags = [...copy.tags];
  if (typeof copy.parentId === 'object') copy.parentId = plain(copy.parentId);
  if (typeof copy.head === 'object') copy.head = plain(copy.head);
  if (typeof copy.create === 'object') copy.create = given(copy.create);
  return copy;
}

/** JSON of a value. Half of a surrogate pair, which no UTF-8 holds, is U+FFFD, in texts and here alike. */
export function text(value: unknown): string | undefined {
  const json: string | undefined = JSON.stringify(value);
  if (!json?.includes('\\ud')) return json;
  // JSON.stringify writes a pair as it is: what it escapes is a half.
  return json.replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '$1\\ufffd');
}

/** Of a row given as a cursor, the keys are sent, not its text. */
export function plainQuery(query: unknown): unknown {
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
export function plain(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
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
