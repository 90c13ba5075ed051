/** Watches, over a store whose answers and changes come when a test says so. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  Conversation,
  ConversationQuery,
  Message,
  MessagePart,
  MessageQuery,
} from '../../src/client/wasm/conversation_store.js';
import {
  type Watch,
  type WatchListener,
  type WatchSource,
  watchConversations,
  watchMessages,
} from '../../src/client/watch.js';
import { Deferred, failure, outcome, Random, settle } from './tools.js';

type Row = Message;
type Change = Parameters<WatchListener['onChange']>[0]['changes'][number];

const CONVERSATION = 7;

function message(id: number, content: string, fields: Partial<Row> = {}): Row {
  return {
    id,
    uid: `m${id}`,
    conversationId: CONVERSATION,
    conversationUid: 'c7',
    role: 'user',
    content,
    createdAt: '2026-01-01T00:00:00.000Z',
    parentId: null,
    parentUid: null,
    parts: [{ type: 'text', text: content }],
    status: 'complete',
    model: null,
    usage: null,
    finishReason: null,
    error: null,
    metadata: null,
    source: null,
    ...fields,
  };
}

function conversation(id: number): Conversation {
  const at = '2026-01-01T00:00:00.000Z';
  return {
    id,
    uid: `c${id}`,
    title: `${id}`,
    brain: 'claude',
    createdAt: at,
    updatedAt: at,
    pinned: false,
    archived: false,
    trashedAt: null,
    tags: [],
    metadata: null,
    headId: null,
    headUid: null,
    messageCount: 0,
  };
}

function change(op: Change['op'], id: number, append?: Change['append']): Change {
  const keys = { conversationId: CONVERSATION, conversationUid: 'c7' };
  const told: Change = { kind: 'message', op, id, uid: `m${id}`, ...keys };
  return append ? { ...told, append } : told;
}

function ofConversation(op: Change['op'], id: number): Change {
  const uid = `c${id}`;
  return { kind: 'conversation', op, id, uid, conversationId: id, conversationUid: uid };
}

/** Rows, the reads of them that are not answered, and who listens. */
class Fake<Q extends { limit?: number; after?: unknown }, T extends { id: number }>
  implements WatchSource<Q, T>
{
  rows: T[];
  readonly newest: boolean;
  readonly listeners = new Set<WatchListener>();
  readonly queries: Q[] = [];
  waiting: { query: Q; answer: Deferred<T[]> }[] = [];

  constructor(rows: T[], { newest }: { newest: boolean }) {
    this.rows = rows;
    this.newest = newest;
  }

  read(query: Q, { signal }: { signal: AbortSignal }): Promise<T[]> {
    assert.equal(this.waiting.length, 0, 'one read at a time');
    this.queries.push(query);
    const read = { query, answer: new Deferred<T[]>() };
    this.waiting.push(read);
    const abort = () => {
      this.waiting = this.waiting.filter((other) => other !== read);
      read.answer.reject(failure('aborted', 'the call was aborted by its signal'));
    };
    signal.addEventListener('abort', abort);
    const settled = () => signal.removeEventListener('abort', abort);
    read.answer.promise.then(settled, settled);
    return read.answer.promise;
  }

  listen(listener: WatchListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** What a read gives now: never the same objects twice. */
  select({ limit, after }: Q): T[] {
    const last = this.newest && after === undefined;
    const rows =
      limit === undefined ? this.rows : last ? this.rows.slice(-limit) : this.rows.slice(0, limit);
    return structuredClone(rows);
  }

  tell(...changes: Change[]): void {
    for (const listener of [...this.listeners]) listener.onChange({ reset: false, changes });
  }

  reset(): void {
    for (const listener of [...this.listeners]) listener.onChange({ reset: true, changes: [] });
  }

  close(): void {
    for (const listener of [...this.listeners]) listener.onClose(failure('closed', 'closed'));
  }

  /** Answers the read that waits, which must be there. */
  async answer(result?: T[] | Error): Promise<void> {
    await settle();
    const read = this.waiting.shift();
    assert.ok(read, 'a read waits');
    if (result instanceof Error) read.answer.reject(result);
    else read.answer.resolve(result ?? this.select(read.query));
    await settle();
  }
}

const messages = (rows: Row[]) => new Fake<MessageQuery, Row>(rows, { newest: true });
const conversations = (rows: Conversation[]) =>
  new Fake<ConversationQuery, Conversation>(rows, { newest: false });

/** Subscribes and keeps what the listener got. */
function subscribed<T>(watch: Watch<T>): { got: (readonly T[])[]; end: () => void } {
  const got: (readonly T[])[] = [];
  return { got, end: watch.subscribe((rows) => got.push(rows)) };
}

/** A watch of messages that has read them, and what its listener gets from then on. */
async function ready(rows: Row[], query?: MessageQuery) {
  const store = messages(rows);
  const watch = watchMessages(store, CONVERSATION, query);
  const { got, end } = subscribed(watch);
  await store.answer();
  got.length = 0;
  return { store, watch, got, end };
}

test('subscribing calls the listener at once, and reads', async () => {
  const store = messages([message(1, 'hi')]);
  const watch = watchMessages(store, CONVERSATION);
  assert.deepEqual([watch.current, watch.state, watch.hasMore], [[], 'loading', false]);
  await settle();
  assert.equal(store.queries.length, 0, 'nobody is subscribed');
  const { subscribe } = watch;
  const got: (readonly Message[])[] = [];
  const end = subscribe((rows) => got.push(rows));
  assert.deepEqual(got, [[]]);
  await store.answer();
  assert.equal(watch.state, 'ready');
  assert.deepEqual(got.at(-1), store.rows);
  assert.equal(got.at(-1), watch.current);
  assert.deepEqual(store.queries, [{}]);
  end();
  end();
  assert.equal(store.listeners.size, 0);
});

test('an empty list that was read is another array than one that was not', async () => {
  const store = messages([]);
  const watch = watchMessages(store, CONVERSATION);
  const loading = watch.current;
  const { got } = subscribed(watch);
  await store.answer();
  assert.notEqual(watch.current, loading);
  assert.equal(got.length, 2);
});

test("StrictMode's first subscription neither loses nor doubles anything", async () => {
  const store = messages([message(1, 'hi')]);
  const watch = watchMessages(store, CONVERSATION);
  watch.subscribe(() => {})();
  const { got } = subscribed(watch);
  assert.equal(store.listeners.size, 1);
  await store.answer();
  assert.equal(store.queries.length, 1);
  assert.equal(got.length, 2);
});

test('a subscription after the last one ended reads again, also where a read was under way', async () => {
  const { store, watch, end } = await ready([message(1, 'hi')]);
  store.tell(change('update', 1));
  await settle();
  assert.equal(store.waiting.length, 1);
  end();
  assert.equal(store.waiting.length, 0, 'its read was given up');
  store.rows = [message(1, 'unseen')];
  const { got } = subscribed(watch);
  assert.equal(got[0]?.[0]?.content, 'hi', 'what was read before is there at once');
  await store.answer();
  assert.equal(watch.current[0]?.content, 'unseen');
  assert.equal(store.waiting.length, 0);
});

test('a listener subscribed twice hears twice', async () => {
  const store = messages([]);
  const watch = watchMessages(store, CONVERSATION);
  let calls = 0;
  const listener = () => {
    calls += 1;
  };
  const end = watch.subscribe(listener);
  watch.subscribe(listener);
  await store.answer();
  assert.equal(calls, 4);
  end();
  assert.equal(store.listeners.size, 1);
});

test('rows that did not change keep their objects, and nothing new keeps the array', async () => {
  const { store, watch, got } = await ready([
    message(1, 'a', { parts: [{ type: 'text', text: 'a' }] }),
    message(2, 'b'),
  ]);
  const before = watch.current;
  store.tell(change('update', 1));
  await store.answer();
  assert.equal(watch.current, before);
  assert.equal(got.length, 0);
  store.rows = [store.rows[0] as Row, message(2, 'c'), message(3, 'd')];
  store.tell(change('update', 2), change('insert', 3));
  await store.answer();
  assert.equal(got.length, 1);
  assert.equal(watch.current[0], before[0]);
  assert.deepEqual(watch.current, store.rows);
  store.rows = store.rows.slice(1);
  store.tell(change('delete', 1));
  await store.answer();
  assert.deepEqual(watch.current, store.rows);
});

test('rows nested deeper than the stack are compared', async () => {
  let deep: object = {};
  for (let level = 0; level < 20_000; level += 1) deep = { deep };
  const row = () => message(1, 'a', { parts: [{ type: 'data', deep }] });
  const store = messages([]);
  const watch = watchMessages(store, CONVERSATION);
  subscribed(watch);
  await store.answer([row()]);
  const before = watch.current;
  store.tell(change('update', 1));
  await store.answer([row()]);
  assert.equal(watch.current, before);
});

test('a burst is one read, what comes during it one more', async () => {
  const { store, got } = await ready([message(1, 'a')]);
  store.queries.length = 0;
  for (let id = 2; id < 50; id += 1) {
    store.rows = [...store.rows, message(id, 'b')];
    store.tell(change('insert', id));
  }
  await settle();
  for (let id = 50; id < 99; id += 1) {
    store.tell(change('insert', id));
    await settle();
  }
  await store.answer();
  assert.equal(got.length, 1);
  await store.answer();
  await settle();
  assert.deepEqual([store.queries.length, store.waiting.length, got.length], [2, 0, 1]);
});

test('only changes of its conversation concern a watch of messages', async () => {
  for (const key of [CONVERSATION, 'c7']) {
    const store = messages([]);
    subscribed(watchMessages(store, key));
    await store.answer();
    const other = { conversationId: 8, conversationUid: 'c8' };
    store.tell({ ...change('insert', 1), ...other }, ofConversation('update', 8));
    store.tell({ ...change('insert', 1), kind: 'unknown' as 'message' });
    await settle();
    assert.equal(store.waiting.length, 0);
    for (const told of [change('insert', 1), ofConversation('delete', CONVERSATION)]) {
      store.tell(told);
      await store.answer();
    }
  }
});

test('a uid of digits is no id', async () => {
  const store = messages([]);
  subscribed(watchMessages(store, `${CONVERSATION}`));
  await store.answer();
  store.tell(change('insert', 1));
  await settle();
  assert.equal(store.waiting.length, 0);
});

test('what moves a conversation concerns a watch of conversations, growing text does not', async () => {
  const store = conversations([conversation(1)]);
  subscribed(watchConversations(store));
  await store.answer();
  store.tell(change('update', 1, { offset: 0, text: 'a' }));
  await settle();
  assert.equal(store.waiting.length, 0);
  for (const told of [change('insert', 1), change('update', 1), ofConversation('delete', 2)]) {
    store.tell(told);
    await store.answer();
  }
});

test('reset reads again', async () => {
  const { store, watch } = await ready([message(1, 'a')]);
  store.rows = [message(5, 'b')];
  store.reset();
  await store.answer();
  assert.deepEqual(watch.current, store.rows);
});

test('text appended is added to the row and reads nothing', async () => {
  const { store, watch, got } = await ready([
    message(1, 'q'),
    message(2, '안녕', { parts: [{ type: 'text', text: '안녕', x: 1 }] }),
  ]);
  const [first, second] = watch.current as Row[];
  store.tell(
    change('update', 2, { offset: 2, text: ' 🙂' }),
    change('update', 2, { offset: 5, text: '!' }),
    change('update', 99, { offset: 5, text: 'of a row that is not here' }),
  );
  assert.equal(got.length, 1);
  assert.equal(watch.current[0], first);
  assert.deepEqual(watch.current[1], {
    ...second,
    content: '안녕 🙂!',
    parts: [{ type: 'text', text: '안녕 🙂!', x: 1 }],
  });
  assert.equal(second?.content, '안녕', 'rows given out do not change');
  await settle();
  assert.equal(store.waiting.length, 0);
});

test('text appended after what is not text is a new part', async () => {
  const check = async (parts: MessagePart[] | undefined, content: string, text: string) => {
    const { store, watch } = await ready([message(1, content, parts ? { parts } : {})]);
    store.tell(change('update', 1, { offset: content.length, text }));
    await settle();
    return [store.waiting.length, (watch.current as Row[])[0]?.parts];
  };
  const text = (text: string) => ({ type: 'text', text });
  const tool = { type: 'tool' };
  assert.deepEqual(await check(undefined, 'a', 'b'), [0, [text('ab')]]);
  assert.deepEqual(await check([], '', 'a'), [0, [text('a')]]);
  assert.deepEqual(await check([tool], '', '\n\na'), [0, [tool, text('\n\na')]]);
  assert.deepEqual(await check([text('a'), tool], 'a', '\n\nb'), [0, [text('a'), tool, text('b')]]);
  // No such content can come of it.
  assert.deepEqual(await check([text('a'), tool], 'a', 'b'), [1, [text('a'), tool]]);
});

test('text that is here already, in part or whole, is not added twice', async () => {
  const { store, watch, got } = await ready([message(1, 'abc')]);
  store.tell(change('update', 1, { offset: 1, text: 'bc' }));
  assert.equal(got.length, 0);
  store.tell(change('update', 1, { offset: 1, text: 'bcd' }));
  assert.equal(watch.current[0]?.content, 'abcd');
  await settle();
  assert.equal(store.waiting.length, 0);
});

test('text that does not fit is read', async () => {
  for (const append of [
    { offset: 4, text: 'e' },
    { offset: 1, text: 'x' },
    { offset: 0, text: 'ax' },
  ]) {
    const { store, watch } = await ready([message(1, 'abc')]);
    store.rows = [message(1, 'new')];
    store.tell(change('update', 1, append));
    assert.equal(watch.current[0]?.content, 'abc');
    await store.answer();
    assert.equal(watch.current[0]?.content, 'new');
  }
});

test('text appended while a read is under way is shown, by the old rows and the new', async () => {
  const { store, watch } = await ready([message(1, 'a')]);
  store.tell(change('update', 1));
  await settle();
  const old = store.select({});
  store.tell(change('update', 1, { offset: 1, text: 'b' }));
  assert.equal(watch.current[0]?.content, 'ab');
  const before = watch.current;
  await store.answer(old);
  assert.equal(watch.current, before, 'the read is from before it');
  assert.equal(store.waiting.length, 0);
  store.tell(change('update', 1));
  await settle();
  store.tell(change('update', 1, { offset: 2, text: 'c' }));
  await store.answer([message(1, 'abcd')]);
  assert.equal(watch.current[0]?.content, 'abcd', 'the read is from after it');
  assert.equal(store.waiting.length, 0);
  store.tell(change('update', 1));
  await settle();
  store.tell(change('update', 1, { offset: 4, text: 'e' }));
  await store.answer([message(1, '?')]);
  await store.answer([message(1, 'abcde')]);
  assert.equal(watch.current[0]?.content, 'abcde', 'the read does not fit');
});

test('text appended that does not fit the old rows is judged by the new', async () => {
  const { store, watch } = await ready([message(1, 'a')]);
  store.tell(change('update', 1));
  store.tell(change('update', 1, { offset: 3, text: 'w' }));
  await settle();
  store.tell(change('update', 1, { offset: 4, text: '!' }));
  await store.answer([message(1, 'xyzw')]);
  assert.equal(watch.current[0]?.content, 'xyzw!');
  assert.equal(store.waiting.length, 0);
});

test('an error keeps the rows, and the next change tries again', async () => {
  const { store, watch, got } = await ready([message(1, 'a')]);
  const before = watch.current;
  store.tell(change('update', 1));
  await store.answer(failure('timeout'));
  assert.deepEqual([watch.state, watch.error?.code], ['error', 'timeout']);
  assert.notEqual(watch.current, before, 'a change of state is seen');
  assert.deepEqual(watch.current, before);
  store.tell(ofConversation('update', 99));
  await store.answer(failure('timeout'));
  assert.equal(got.length, 1, 'the same error is no news');
  store.tell(change('update', 1, { offset: 1, text: 'b' }));
  await store.answer(failure('crashed', 'died'));
  assert.deepEqual([got.length, watch.error?.code], [2, 'crashed']);
  store.tell(change('update', 1));
  await store.answer();
  assert.deepEqual([watch.state, watch.error, got.length], ['ready', undefined, 3]);
  assert.equal(watch.current[0], before[0]);
});

test('a listener that throws is reported and stops no other', async () => {
  const reported: unknown[] = [];
  const scope = globalThis as { reportError?: unknown };
  const { reportError } = scope;
  scope.reportError = (error: unknown) => reported.push(error);
  try {
    const store = messages([]);
    const watch = watchMessages(store, CONVERSATION);
    watch.subscribe(() => {
      throw 'mine';
    });
    const { got } = subscribed(watch);
    await store.answer();
    assert.deepEqual([reported, got.length], [['mine', 'mine'], 2]);
  } finally {
    if (reportError) scope.reportError = reportError;
    else delete scope.reportError;
  }
  assert.throws(() => watchMessages(messages([]), 1).subscribe(1 as never), {
    code: 'invalid-argument',
  });
});

test('a subscription ended by a listener before it hears nothing more', async () => {
  const store = messages([]);
  const watch = watchMessages(store, CONVERSATION);
  let endSecond = () => {};
  watch.subscribe(() => endSecond());
  const { got, end } = subscribed(watch);
  endSecond = end;
  await store.answer();
  assert.equal(got.length, 1);
});

test('pages of messages go back in time and stay oldest first', async () => {
  const all = [1, 2, 3, 4, 5].map((id) => message(id, `${id}`));
  const { store, watch } = await ready(all, { limit: 2 });
  assert.deepEqual([watch.current, watch.hasMore], [all.slice(3), true]);
  const more = watch.more();
  assert.equal(watch.more(), more, 'concurrent calls join');
  await store.answer();
  await more;
  assert.deepEqual([watch.current, watch.hasMore], [all.slice(1), true]);
  store.rows = [...all, message(6, '6')];
  store.tell(change('insert', 6));
  await store.answer();
  assert.deepEqual(watch.current, store.rows.slice(2));
  const last = watch.more();
  await store.answer();
  await last;
  assert.deepEqual([watch.current, watch.hasMore], [store.rows, false]);
  await watch.more();
  assert.deepEqual(
    store.queries.map(({ limit }) => limit),
    [3, 5, 5, 7],
  );
});

test('pages after a cursor go on from it', async () => {
  const all = [1, 2, 3].map((id) => message(id, `${id}`));
  const { store, watch } = await ready(all, { limit: 1, after: { id: 0 } });
  assert.deepEqual([watch.current, watch.hasMore], [all.slice(0, 1), true]);
  const more = watch.more();
  await store.answer();
  await more;
  assert.deepEqual(watch.current, all.slice(0, 2));
  assert.deepEqual(store.queries[1], { limit: 3, after: { id: 0 } });
});

test('pages of conversations: 50, or as many as asked', async () => {
  const all = Array.from({ length: 120 }, (_, at) => conversation(120 - at));
  const store = conversations(all);
  const query: ConversationQuery = { brain: 'x' };
  const watch = watchConversations(store, query);
  query.brain = 'changed meanwhile';
  subscribed(watch);
  await store.answer();
  assert.deepEqual([watch.current.length, watch.hasMore], [50, true]);
  assert.deepEqual(store.queries, [{ brain: 'x', limit: 51 }]);
  for (const [count, hasMore] of [
    [100, true],
    [120, false],
  ]) {
    const more = watch.more();
    await store.answer();
    await more;
    assert.deepEqual([watch.current.length, watch.hasMore], [count, hasMore]);
  }
  assert.deepEqual(watch.current, all);
  const byNumber = watchConversations(store, 3);
  subscribed(byNumber);
  await store.answer();
  assert.deepEqual([byNumber.current.length, byNumber.hasMore], [3, true]);
});

test('a limit is the store’s to refuse, and never above its largest', async () => {
  for (const [limit, sent] of [
    [0, 0],
    [-1, -1],
    [1.5, 1.5],
    ['7', '7'],
    [1_000_000, 1_000_000],
    [2_000_000, 1_000_000],
  ]) {
    const store = messages([]);
    subscribed(watchMessages(store, 1, { limit } as MessageQuery));
    await store.answer();
    assert.equal(store.queries[0]?.limit, sent);
  }
  const store = messages([]);
  subscribed(watchMessages(store, 1, 5 as MessageQuery));
  await store.answer();
  assert.equal(store.queries[0], 5);
});

test('more() without a subscriber reads, and leaves the rows', async () => {
  const all = [1, 2, 3].map((id) => message(id, `${id}`));
  const store = messages(all);
  const watch = watchMessages(store, CONVERSATION, { limit: 1 });
  const more = watch.more();
  await store.answer();
  await store.answer();
  await more;
  assert.deepEqual([watch.current, store.listeners.size], [all.slice(1), 0]);
});

test('more() waits for its own read where another is under way', async () => {
  const all = [1, 2, 3].map((id) => message(id, `${id}`));
  const { store, watch } = await ready(all, { limit: 1 });
  for (const result of [undefined, failure('timeout')]) {
    store.tell(change('update', 1));
    await settle();
    const more = watch.more();
    await store.answer(result);
    assert.equal(await outcome(more), 'pending');
    const pages = watch.current.length;
    await store.answer();
    await more;
    assert.equal(watch.current.length, pages + 1);
  }
});

test('more() that fails rejects, and asks for the same again', async () => {
  const all = [1, 2, 3, 4].map((id) => message(id, `${id}`));
  const { store, watch } = await ready(all, { limit: 1 });
  const more = watch.more();
  await store.answer(failure('timeout'));
  await assert.rejects(more, { code: 'timeout' });
  assert.equal(watch.state, 'error');
  // Not awaited: no unhandled rejection either.
  watch.more();
  await store.answer(failure('timeout'));
  const again = watch.more();
  await store.answer();
  await store.answer();
  await again;
  assert.deepEqual(watch.current, all.slice(2));
});

test('hasMore alone is a change', async () => {
  const { store, watch, got } = await ready([message(1, 'a'), message(2, 'b')], { limit: 1 });
  store.rows = store.rows.slice(1);
  store.tell(change('delete', 1));
  await store.answer();
  assert.deepEqual([got.length, watch.hasMore], [1, false]);
});

test('what is no query is given to the store as it is; one that throws is refused', async () => {
  const asked: unknown[] = [];
  const source = {
    read: async (query: unknown) => {
      asked.push(query);
      return [];
    },
    listen: () => () => {},
  };
  const text = 'x'.repeat(2_000_000);
  watchConversations(source, text as never).subscribe(() => {});
  await settle();
  assert.equal(asked.length, 1);
  assert.equal(asked[0], text);
  const throws = {
    get brain(): string {
      throw new Error('planted');
    },
  };
  assert.throws(() => watchConversations(source, throws), { code: 'invalid-argument' });
});

test('for await gives current, then the latest', async () => {
  const store = messages([]);
  const watch = watchMessages(store, CONVERSATION);
  const seen: number[] = [];
  let go = new Deferred();
  const loop = (async () => {
    for await (const rows of watch) {
      seen.push(rows.length);
      await go.promise;
      if (rows.length === 5) break;
    }
  })();
  await settle();
  for (const count of [1, 2, 3]) {
    store.rows = Array.from({ length: count }, (_, id) => message(id, ''));
    if (count > 1) store.tell(change('insert', count));
    await store.answer();
  }
  assert.deepEqual(seen, [0]);
  go.resolve();
  await settle();
  assert.deepEqual(seen, [0, 3], 'the consumer was slow: the latest wins');
  go = new Deferred();
  go.resolve();
  store.rows = Array.from({ length: 5 }, (_, id) => message(id, ''));
  store.tell(change('insert', 4));
  await store.answer();
  await loop;
  assert.deepEqual([seen, store.listeners.size], [[0, 3, 5], 0]);
});

test('an iterator subscribes when it is asked, answers several, and ends by return', async () => {
  const store = messages([message(1, '')]);
  const watch = watchMessages(store, CONVERSATION);
  const iterator = watch[Symbol.asyncIterator]();
  assert.equal(store.listeners.size, 0);
  const results = [iterator.next(), iterator.next(), iterator.next()];
  await store.answer();
  const lengths = await Promise.all(
    results.slice(0, 2).map(async (it) => (await it).value?.length),
  );
  assert.deepEqual(lengths, [0, 1]);
  await iterator.return?.();
  assert.equal((await results[2])?.done, true);
  assert.equal((await iterator.next()).done, true);
  assert.equal(store.listeners.size, 0);
});

test('a closed store ends iterations and is an error', async () => {
  const { store, watch, got } = await ready([message(1, ''), message(2, '')], { limit: 1 });
  const iterator = watch[Symbol.asyncIterator]();
  await iterator.next();
  const next = iterator.next();
  store.tell(change('update', 1));
  await settle();
  const more = watch.more();
  store.close();
  assert.equal((await next).done, true);
  assert.deepEqual([watch.state, watch.error?.code, got.length], ['error', 'closed', 1]);
  assert.equal(watch.current.length, 1);
  await assert.rejects(more, { code: 'closed' });
  await assert.rejects(watch.more(), { code: 'closed' });
  store.tell(change('update', 1));
  await settle();
  assert.deepEqual([store.waiting.length, store.listeners.size], [0, 0]);
  assert.equal((await watch[Symbol.asyncIterator]().next()).done, true);
});

test('a store found closed is an error', async () => {
  const store = messages([]);
  const watch = watchMessages(store, CONVERSATION);
  const iterator = watch[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).done, false);
  const next = iterator.next();
  await store.answer(failure('closed', 'closed'));
  assert.equal((await next).done, true);
  assert.deepEqual([watch.state, watch.error?.code], ['error', 'closed']);
});

/**
 * Any order of commits, their telling, reads, their answers and subscriptions: once all is told and
 * answered, the watch shows what is stored.
 */
test('random interleavings end in what is stored', async (context) => {
  let changes = 0;
  let all = 0;
  for (let seed = 1; seed <= 400; seed += 1) {
    try {
      const { told, reads } = await interleave(new Random(seed));
      changes += told;
      all += reads;
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  context.diagnostic(`${changes} changes told, ${all} reads`);
});

async function interleave(random: Random): Promise<{ told: number; reads: number }> {
  const limit = random.pick([undefined, 1, 3]);
  const store = messages([]);
  const watch = watchMessages(store, CONVERSATION, limit === undefined ? {} : { limit });
  const untold: (Change[] | 'reset')[] = [];
  const served = new Map<Deferred<Row[]>, Row[]>();
  const ends: (() => void)[] = [];
  let lastId = 0;
  let told = 0;

  // An array replaced for nothing, or an object for an equal one, would be one render too many.
  let before: { rows: readonly Row[]; state: string; hasMore: boolean } | undefined;
  const observe = () => {
    const now = { rows: watch.current as Row[], state: watch.state, hasMore: watch.hasMore };
    if (before && before.rows !== now.rows) {
      assert.notDeepEqual(now, before);
      for (const row of now.rows) {
        const held = before.rows.find(({ id }) => id === row.id);
        if (held && held !== row) assert.notDeepEqual(row, held);
      }
    } else if (before) {
      assert.deepEqual(now, before);
    }
    before = now;
  };

  const commit = (): Change | undefined => {
    const row = random.pick(store.rows.length > 0 ? store.rows : [undefined]);
    const action = random.below(10);
    if (!row || action === 0) {
      lastId += 1;
      const parts = random.pick<MessagePart[]>([
        [],
        [{ type: 'text', text: 'a' }],
        [{ type: 'tool' }],
      ]);
      const content = String(parts[0]?.text ?? '');
      store.rows = [...store.rows, message(lastId, content, { parts })];
      return change('insert', lastId);
    }
    if (action === 1) {
      store.rows = store.rows.filter((other) => other !== row);
      return change('delete', row.id);
    }
    const replace = (fields: Partial<Row>) => {
      store.rows = store.rows.map((other) => (other === row ? { ...row, ...fields } : other));
    };
    if (action === 2) {
      const content = 'ab'.repeat(random.below(3));
      replace({ content, parts: content ? [{ type: 'text', text: content }] : [] });
      return change('update', row.id);
    }
    if (action === 3) {
      replace({ parts: [...(row.parts ?? []), { type: 'tool' }] });
      return change('update', row.id);
    }
    // As the store appends. Of one letter often, so that texts look alike where they do not fit.
    const parts = [...(row.parts ?? [])];
    const last = parts.at(-1);
    const word = random.pick(['a', 'b', 'ab', 'aa']);
    let text = word;
    if (last?.type === 'text') {
      parts[parts.length - 1] = { ...last, text: last.text + word };
    } else {
      if (parts.some(({ type }) => type === 'text')) text = `\n\n${word}`;
      parts.push({ type: 'text', text: word });
    }
    replace({ content: row.content + text, parts });
    return change('update', row.id, { offset: row.content.length, text });
  };

  const serve = () => {
    const [read] = store.waiting;
    if (read && !served.has(read.answer)) served.set(read.answer, store.select(read.query));
  };
  const answer = () => {
    const [read] = store.waiting;
    if (!read) return;
    serve();
    store.waiting.shift();
    if (random.below(8) === 0) read.answer.reject(failure());
    else read.answer.resolve(served.get(read.answer) as Row[]);
  };
  const tell = () => {
    const next = untold.shift();
    if (next === 'reset') store.reset();
    else if (next) store.tell(...next);
    told += next === 'reset' || !next ? 1 : next.length;
  };

  for (let step = 0; step < 120; step += 1) {
    const action = random.below(20);
    if (action < 8) {
      const changes = [commit(), ...(random.below(4) === 0 ? [commit()] : [])];
      untold.push(changes.filter((one) => one !== undefined));
    } else if (action < 12) tell();
    else if (action < 14) serve();
    else if (action < 16) answer();
    else if (action === 16) {
      ends.push(watch.subscribe(() => {}));
    } else if (action === 17) {
      // A leader died: what it had not told is lost.
      if (random.below(4) === 0 && untold.length > 0) untold.splice(0, untold.length, 'reset');
      else ends.splice(random.below(ends.length), 1)[0]?.();
    } else if (action === 18 && random.below(4) === 0) watch.more();
    if (random.below(2) === 0) await Promise.resolve();
    if (random.below(6) === 0) await settleMicrotasks();
    observe();
  }

  watch.subscribe(() => {});
  while (untold.length > 0) tell();
  // The last read may have failed; then only a change has it tried again.
  for (let turn = 0; turn < 20; turn += 1) {
    await settleMicrotasks();
    observe();
    const [read] = store.waiting;
    if (read) {
      serve();
      store.waiting.shift();
      read.answer.resolve(served.get(read.answer) as Row[]);
    } else if (watch.state === 'error') store.tell(ofConversation('update', 99));
    else break;
  }
  assert.equal(store.waiting.length, 0);
  assert.equal(watch.state, 'ready');
  const shown = watch.current.length;
  assert.deepEqual(watch.current, store.rows.slice(store.rows.length - shown));
  if (limit === undefined) assert.equal(shown, store.rows.length);
  else assert.ok(shown === store.rows.length || (shown > 0 && shown % limit === 0));
  assert.equal(watch.hasMore, shown < store.rows.length);
  return { told, reads: store.queries.length };
}

async function settleMicrotasks(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await null;
}
