/** Writers, over a store that a test answers for, and timers that it moves. */

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { AddedMessage, MessagePatch } from '../../src/client/wasm/conversation_store.js';
import { type MessageWriter, openWriter, type WriterTarget } from '../../src/client/writer.js';
import { Deferred, failure, outcome, Random, settle } from './tools.js';

const KEYS = { id: 3, uid: 'm3', createdAt: '2026-01-01T00:00:00.000Z' };

/** Keeps what was stored, in order: text as it is, patches as objects. */
class Fake implements WriterTarget {
  readonly added: object[] = [];
  readonly stored: (string | object)[] = [];
  /** Calls that are not answered; undefined where they answer themselves. */
  held: Deferred[] | undefined;
  fails: Error | undefined;
  /** Of each text that was stored: whether the message streams with it. */
  readonly streaming: boolean[] = [];
  underWay = 0;

  async add(fields: object) {
    this.added.push(fields);
    return KEYS;
  }

  async find(messageId: unknown) {
    return messageId === 'm3' ? { ...KEYS, content: 'and more' } : undefined;
  }

  append({ uid }: AddedMessage, text: string, streaming: boolean): Promise<void> {
    assert.equal(uid, KEYS.uid);
    assert.notEqual(text, '');
    this.streaming.push(streaming);
    return this.#store(text);
  }

  update({ uid }: AddedMessage, patch: object): Promise<void> {
    assert.equal(uid, KEYS.uid);
    return this.#store(patch);
  }

  async #store(item: string | object): Promise<void> {
    assert.equal(this.underWay, 0, 'one at a time');
    this.underWay += 1;
    try {
      if (this.held) {
        const answer = new Deferred();
        this.held.push(answer);
        await answer.promise;
      }
      if (this.fails) throw this.fails;
      this.stored.push(item);
    } finally {
      this.underWay -= 1;
    }
  }

  /** Answers the call that waits, which must be there. */
  async answer(): Promise<void> {
    await settle();
    const answer = this.held?.shift();
    assert.ok(answer, 'a call waits');
    answer.resolve();
    await settle();
  }
}

/** A test whose timers move when it says so. What it leaves unhandled fails it. */
function check(name: string, body: () => Promise<void>): void {
  test(name, async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      await body();
      await settle();
    } finally {
      mock.timers.reset();
    }
  });
}

async function opened(extra?: object, signal?: AbortSignal) {
  const store = new Fake();
  const open = new Set<MessageWriter>();
  const stream = await openWriter(store, extra, signal, open);
  return { store, stream, open };
}

check('a message is added, and named at once', async () => {
  const { store, stream, open } = await opened({ model: 'm', status: undefined, flushInterval: 5 });
  assert.deepEqual(store.added, [{ role: 'assistant', status: 'streaming', model: 'm' }]);
  assert.deepEqual(stream.message, KEYS);
  assert.ok(stream instanceof WritableStream);
  assert.ok(open.has(stream));
  await stream.close();
  await settle();
  assert.equal(open.size, 0);
  const other = await opened({ role: 'user', status: 'waiting' });
  assert.deepEqual(other.store.added, [{ role: 'user', status: 'waiting' }]);
});

check('a message is continued', async () => {
  const { store, stream } = await opened({ messageId: 'm3', model: 'm' });
  assert.deepEqual(stream.message, KEYS);
  assert.deepEqual(store.stored, [{ status: 'streaming', model: 'm' }]);
  assert.equal(store.added.length, 0);
  await assert.rejects(opened({ messageId: 'm4' }), { code: 'not-found' });
});

check('an interval that is none is refused before anything is added', async () => {
  for (const flushInterval of [-1, Number.NaN, '100']) {
    const store = new Fake();
    await assert.rejects(openWriter(store, { flushInterval } as object), {
      code: 'invalid-argument',
    });
    assert.equal(store.added.length, 0);
  }
});

check('text is stored together, at the latest after the interval', async () => {
  const { store, stream } = await opened();
  const writer = stream.getWriter();
  for (const token of ['안', '녕', '', ' 🙂']) await writer.write(token);
  await settle();
  mock.timers.tick(80);
  await settle();
  assert.deepEqual(store.stored, []);
  mock.timers.tick(20);
  await settle();
  assert.deepEqual(store.stored, ['안녕 🙂']);
  mock.timers.tick(1_000);
  await writer.write('!');
  mock.timers.tick(100);
  await settle();
  assert.deepEqual(store.stored, ['안녕 🙂', '!']);
});

check('the interval can be set', async () => {
  for (const [flushInterval, early] of [
    [10, 5],
    [1_000, 900],
  ]) {
    const { store, stream } = await opened({ flushInterval });
    await stream.getWriter().write('a');
    mock.timers.tick(early as number);
    await settle();
    assert.deepEqual(store.stored, []);
    mock.timers.tick((flushInterval as number) - (early as number));
    await settle();
    assert.deepEqual(store.stored, ['a']);
  }
  const { store, stream } = await opened({ flushInterval: Number.POSITIVE_INFINITY });
  const writer = stream.getWriter();
  await writer.write('a');
  mock.timers.tick(1e9);
  await settle();
  assert.deepEqual(store.stored, []);
  await writer.close();
  assert.deepEqual(store.stored, ['a', { status: 'complete' }]);
});

check('a page that is not seen waits for no timer', async () => {
  const scope = globalThis as { document?: unknown };
  scope.document = { visibilityState: 'hidden' };
  try {
    const { store, stream } = await opened();
    store.held = [];
    const writer = stream.getWriter();
    for (const token of ['a', 'b', 'c']) {
      await writer.write(token);
      await settle();
    }
    await store.answer();
    await store.answer();
    assert.deepEqual(store.stored, ['a', 'bc']);
  } finally {
    delete scope.document;
  }
});

check('while the store is slow, text is gathered', async () => {
  const { store, stream } = await opened();
  store.held = [];
  const writer = stream.getWriter();
  for (const token of ['a', 'b', 'c', 'd']) {
    await writer.write(token);
    mock.timers.tick(100);
    await settle();
  }
  await store.answer();
  await store.answer();
  assert.deepEqual(store.stored, ['a', 'bcd']);
  assert.equal(store.held.length, 0);
});

check('text and patches are stored in order, neighbours together', async () => {
  const { store, stream } = await opened();
  const writer = stream.getWriter();
  const chunks: (string | MessagePatch)[] = [
    'a',
    'b',
    { model: 'm', usage: { inputTokens: 1 } },
    { usage: { outputTokens: 2 }, model: undefined } as object as MessagePatch,
    {},
    { parts: [{ type: 'x' }] },
    'c',
    { metadata: null },
  ];
  for (const chunk of chunks) await writer.write(chunk);
  await writer.close();
  assert.deepEqual(store.stored, [
    'ab',
    { model: 'm', usage: { outputTokens: 2 }, parts: [{ type: 'x' }] },
    'c',
    { metadata: null, status: 'complete' },
  ]);
});

check('patches of content and parts are not made one', async () => {
  const { store, stream } = await opened();
  const writer = stream.getWriter();
  await writer.write({ content: 'a' } as MessagePatch);
  await writer.write({ parts: [] });
  await stream.flush();
  assert.deepEqual(store.stored, [{ content: 'a' }, { parts: [] }]);
});

check('close makes the message complete, unless a patch has said otherwise', async () => {
  for (const [patch, last] of [
    [{}, { status: 'complete' }],
    [{ status: 'waiting' }, { status: 'waiting' }],
    [{ status: 'streaming' }, { status: 'complete' }],
  ]) {
    const { store, stream } = await opened();
    const writer = stream.getWriter();
    await writer.write('a');
    await writer.write(patch as MessagePatch);
    await writer.close();
    assert.deepEqual(store.stored, ['a', last]);
  }
});

check('close resolves when all is stored, also where nothing was awaited', async () => {
  const { store, stream } = await opened();
  store.held = [];
  const writer = stream.getWriter();
  writer.write('a');
  writer.write('b');
  const closed = writer.close();
  await store.answer();
  assert.equal(await outcome(closed), 'pending');
  await store.answer();
  assert.equal(await outcome(closed), 'resolved');
  assert.deepEqual(store.stored, ['ab', { status: 'complete' }]);
  await stream.flush();
  await stream[Symbol.asyncDispose]();
  assert.equal(store.stored.length, 2);
});

check('flush resolves when what was written before is stored', async () => {
  const { store, stream } = await opened();
  await stream.flush();
  store.held = [];
  const writer = stream.getWriter();
  writer.write('a');
  writer.write('b');
  const first = stream.flush();
  await settle();
  writer.write('c');
  const second = stream.flush();
  const joined = stream.flush();
  assert.equal(await outcome(first), 'pending');
  await store.answer();
  assert.equal(await outcome(first), 'resolved');
  assert.deepEqual(store.stored, ['ab']);
  assert.equal(await outcome(second), 'pending');
  await writer.write('d');
  await store.answer();
  assert.deepEqual([await outcome(second), await outcome(joined)], ['resolved', 'resolved']);
  mock.timers.tick(100);
  await store.answer();
  assert.deepEqual(store.stored, ['ab', 'c', 'd']);
});

check('flush ends by itself while others go on writing', async () => {
  const { store, stream } = await opened();
  const writer = stream.getWriter();
  let ended = false;
  writer.write('a');
  stream.flush().then(() => {
    ended = true;
  });
  for (let token = 0; token < 100 && !ended; token += 1) await writer.write('b');
  assert.ok(ended);
  assert.ok((store.stored[0] as string).startsWith('a'));
});

check('a write waits while too much is not stored', async () => {
  const { store, stream } = await opened();
  store.held = [];
  const writer = stream.getWriter();
  assert.equal(await outcome(writer.write('x'.repeat(65_536))), 'resolved');
  const write = writer.write('y');
  assert.equal(writer.desiredSize, 0);
  const next = writer.write('z');
  const flushed = stream.flush();
  assert.equal(await outcome(write), 'pending');
  await store.answer();
  assert.equal(await outcome(write), 'resolved');
  assert.equal(await outcome(next), 'resolved');
  assert.equal(await outcome(flushed), 'pending');
  await store.answer();
  assert.equal(await outcome(flushed), 'resolved');
  assert.equal(await outcome(writer.ready), 'resolved');
  assert.deepEqual(
    store.stored.map((text) => (text as string).length),
    [65_537, 1],
  );
  const patches = Array.from({ length: 200 }, (_, at) => (at % 2 ? 'a' : { model: `${at}` }));
  assert.equal(await outcome(Promise.all(patches.map((chunk) => writer.write(chunk)))), 'pending');
});

check('pipeTo is held back, and closes', async () => {
  const { store, stream } = await opened();
  store.held = [];
  let pulled = 0;
  const source = new ReadableStream<string>(
    {
      pull(controller) {
        pulled += 1;
        controller.enqueue('x'.repeat(20_000));
        if (pulled === 20) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const piped = source.pipeTo(stream);
  await settle();
  assert.ok(pulled < 7, `${pulled} chunks were taken`);
  while ((await outcome(piped)) === 'pending') await store.answer();
  await piped;
  assert.deepEqual(store.stored.at(-1), { status: 'complete' });
  assert.equal(store.stored.slice(0, -1).join('').length, 400_000);
});

check('bytes of a response pass through a TextDecoderStream', async () => {
  const { store, stream } = await opened();
  const bytes = new TextEncoder().encode('안녕 🙂!');
  const body = new ReadableStream<BufferSource>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  await body.pipeThrough(new TextDecoderStream()).pipeTo(stream);
  assert.deepEqual(store.stored, ['안녕 🙂!', { status: 'complete' }]);
});

check('a source that fails keeps its text', async () => {
  const { store, stream } = await opened();
  const source = new ReadableStream<string>({
    async start(controller) {
      controller.enqueue('a');
      await settle();
      controller.error(new Error('the line is dead'));
    },
  });
  await assert.rejects(source.pipeTo(stream), { message: 'the line is dead' });
  assert.deepEqual(store.stored, ['a', { status: 'aborted' }]);
});

check('a pair split over chunks stays whole', async () => {
  const { store, stream } = await opened();
  const writer = stream.getWriter();
  await writer.write('a\ud83d');
  await stream.flush();
  await writer.write('');
  await writer.write({ model: 'm' });
  await writer.write('\ude42b\ud83d');
  await writer.write('\ud83d');
  await writer.write('\ude42');
  await stream.flush();
  assert.deepEqual(store.stored, ['a', { model: 'm' }, '🙂b\ud83d🙂']);
});

check('half a pair at the end is stored as it is', async () => {
  for (const end of ['close', 'abort'] as const) {
    const { store, stream } = await opened();
    const writer = stream.getWriter();
    await writer.write('a\ud83d');
    await writer[end]();
    assert.equal(store.stored[0], 'a\ud83d');
  }
});

check('abort keeps the text, and resolves when it is stored', async () => {
  const { store, stream } = await opened();
  store.held = [];
  const writer = stream.getWriter();
  await writer.write('a');
  mock.timers.tick(100);
  await settle();
  await writer.write('b');
  await writer.write({ status: 'waiting' });
  const aborted = writer.abort('enough');
  assert.equal(await outcome(writer.write('c')), 'enough');
  for (const stored of [1, 2, 3]) {
    assert.equal(await outcome(aborted), 'pending');
    await store.answer();
    assert.equal(store.stored.length, stored);
  }
  assert.equal(await outcome(aborted), 'resolved');
  assert.deepEqual(store.stored, ['a', 'b', { status: 'aborted' }]);
  await stream.flush();
});

check('abort while a write waits', async () => {
  const { store, stream } = await opened();
  store.held = [];
  const writer = stream.getWriter();
  const write = writer.write('x'.repeat(70_000));
  const queued = writer.write('y').catch((reason) => reason);
  const aborted = writer.abort('enough');
  await store.answer();
  await store.answer();
  await Promise.all([write, aborted]);
  assert.equal(await queued, 'enough');
  assert.deepEqual(store.stored.slice(1), [{ status: 'aborted' }]);
});

check('a signal aborts, also where the stream is locked', async () => {
  const abort = new AbortController();
  const { store, stream, open } = await opened({}, abort.signal);
  const writer = stream.getWriter();
  await writer.write('a');
  const later = writer.write('b');
  abort.abort('stop');
  await later.catch(() => {});
  await assert.rejects(writer.closed, { code: 'aborted', cause: 'stop' });
  await assert.rejects(writer.write('c'), { code: 'aborted' });
  await stream.flush();
  assert.deepEqual(store.stored, ['ab', { status: 'aborted' }]);
  await settle();
  assert.equal(open.size, 0);
});

check('a signal that has aborted meanwhile, and one that comes too late', async () => {
  const early = await opened({}, AbortSignal.abort('stop'));
  await early.stream.flush();
  assert.deepEqual(early.store.stored, [{ status: 'aborted' }]);
  const abort = new AbortController();
  const { store, stream } = await opened({}, abort.signal);
  store.held = [];
  const closed = stream.close();
  await settle();
  abort.abort('stop');
  await store.answer();
  await closed;
  assert.deepEqual(store.stored, [{ status: 'complete' }]);
});

check('a store that fails is a stream that fails', async () => {
  const { store, stream, open } = await opened();
  const writer = stream.getWriter();
  await writer.write('a');
  const error = failure('quota-exceeded', 'full');
  store.fails = error;
  mock.timers.tick(100);
  await settle();
  await assert.rejects(writer.closed, error);
  await assert.rejects(writer.write('b'), error);
  await assert.rejects(stream.flush(), error);
  await assert.rejects(stream[Symbol.asyncDispose](), error);
  assert.equal(open.size, 0);
});

check('nobody takes a message for streaming whose writer has failed', async () => {
  const { store, stream } = await opened();
  store.held = [];
  const writer = stream.getWriter();
  await writer.write('a');
  mock.timers.tick(100);
  await settle();
  store.held.shift()?.reject(failure('timeout'));
  await settle();
  await assert.rejects(writer.closed, { code: 'timeout' });
  await store.answer();
  assert.deepEqual(store.stored, [{ status: 'error' }]);
});

check('whatever waits rejects when the store fails', async () => {
  const error = failure('not-found', 'gone');
  for (const end of ['close', 'abort', 'flush', 'write'] as const) {
    const { store, stream } = await opened();
    store.held = [];
    const writer = stream.getWriter();
    await writer.write('a');
    const waiting = {
      close: () => writer.close(),
      abort: () => writer.abort(),
      flush: () => stream.flush(),
      write: () => writer.write('x'.repeat(70_000)),
    }[end]();
    await settle();
    store.held.shift()?.reject(error);
    assert.equal(await outcome(waiting), error, end);
    store.held.shift()?.reject(error);
    await assert.rejects(stream.flush(), error);
  }
});

check('what is no chunk is refused by name, and the text before it kept', async () => {
  for (const [chunk, name] of [
    [new Uint8Array(1), 'Uint8Array'],
    [null, 'Null'],
    [1, 'Number'],
    [[], 'Array'],
  ]) {
    const { store, stream } = await opened();
    const writer = stream.getWriter();
    await writer.write('a');
    await assert.rejects(writer.write(chunk as never), {
      code: 'invalid-argument',
      message: new RegExp(`a chunk is ${name}`),
    });
    await stream.flush();
    assert.deepEqual(store.stored, ['a', { status: 'error' }]);
  }
});

check('await using aborts a writer that is open, locked or not', async () => {
  for (const locked of [true, false]) {
    const { store, stream } = await opened();
    const writer = stream.getWriter();
    await writer.write('a');
    if (!locked) writer.releaseLock();
    await stream[Symbol.asyncDispose]();
    assert.deepEqual(store.stored, ['a', { status: 'aborted' }]);
    await stream[Symbol.asyncDispose]();
  }
});

check('random streams arrive whole and in order, and every promise settles', async () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    try {
      await stream(new Random(seed));
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

async function stream(random: Random): Promise<void> {
  const { store, stream, open } = await opened();
  store.held = [];
  const writer = stream.getWriter();
  const promises: Promise<unknown>[] = [];
  let text = '';
  const models: string[] = [];
  let flushed = '';
  const stored = () => store.stored.filter((item) => typeof item === 'string').join('');
  for (let step = 0; step < 60; step += 1) {
    const action = random.below(12);
    if (action < 6) {
      const chunk = random.pick(['a', '🙂', '\ud83d', '\ude42', '한', '', 'x'.repeat(30_000)]);
      text += chunk;
      promises.push(writer.write(chunk));
    } else if (action === 6) {
      models.push(`${step}`);
      promises.push(writer.write({ model: `${step}` }));
    } else if (action === 7) mock.timers.tick(random.below(120));
    else if (action === 8) {
      // Half of a pair waits for the other.
      const before = text.replace(/[\ud800-\udbff]$/, '');
      const flush = stream.flush().then(() => {
        assert.ok(stored().length >= before.length);
        flushed = before;
      });
      promises.push(flush);
    } else store.held.shift()?.resolve();
    if (random.below(3) === 0) await null;
    if (random.below(10) === 0) await settle();
  }
  const end = random.pick(['close', 'abort', 'fail'] as const);
  const error = failure('crashed');
  if (end === 'fail') store.fails = error;
  promises.push(end === 'abort' ? writer.abort('enough') : writer.close());
  let settled = false;
  const all = Promise.allSettled(promises).then((results) => {
    settled = true;
    return results;
  });
  for (let turn = 0; !settled; turn += 1) {
    assert.ok(turn < 1_000, 'it ends');
    store.held.shift()?.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const results = await all;
  await settle();
  while (store.held.length > 0) await store.answer();
  assert.ok(text.startsWith(stored()), 'a prefix, in order');
  assert.ok(stored().length >= flushed.length);
  const patches = store.stored.filter((item) => typeof item === 'object') as MessagePatch[];
  const status = patches.map((patch) => patch.status).filter((value) => value !== undefined);
  if (end === 'close') {
    assert.deepEqual(new Set(results.map((result) => result.status)), new Set(['fulfilled']));
    assert.equal(stored(), text);
    assert.equal(
      patches
        .map((patch) => patch.model ?? '')
        .filter(Boolean)
        .at(-1),
      models.at(-1),
    );
    assert.deepEqual(status, ['complete']);
  } else if (end === 'abort') {
    assert.deepEqual(status, ['aborted']);
    assert.equal(results.at(-1)?.status, 'fulfilled');
  }
  await settle();
  assert.equal(open.size, 0);
}

test('text after a status leaves that status, and close does too', async () => {
  const store = new Fake();
  const writer = (await openWriter(store)).getWriter();
  for (const chunk of ['Approve?', { status: 'waiting' as const }, ' Please.']) {
    await writer.write(chunk);
  }
  await writer.close();
  assert.deepEqual(store.stored, ['Approve?', { status: 'waiting' }, ' Please.']);
  assert.deepEqual(store.streaming, [true, false]);
});

test('an object is stored as it was when it was written; one that is no JSON is refused', async () => {
  const store = new Fake();
  const stream = await openWriter(store);
  const writer = stream.getWriter();
  const patch = { usage: { inputTokens: 1 } };
  await writer.write(patch);
  patch.usage.inputTokens = 99;
  await stream.flush();
  assert.deepEqual(store.stored, [{ usage: { inputTokens: 1 } }]);
  const refused = writer.write({ metadata: 1n });
  await assert.rejects(refused, { code: 'invalid-argument' });
  await assert.rejects(writer.closed, { code: 'invalid-argument' });
});
