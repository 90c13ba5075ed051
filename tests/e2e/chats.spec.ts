/** Chats as chat apps keep them, through the page's class: parts, branches, whole chats, attachments. */

import { expect } from '@playwright/test';
import { load, test } from './browser.js';

test('rows come back as they went in: parts, usage, metadata, dates, what nobody knows', async ({
  page,
}) => {
  await load(page);
  const seen = await page.evaluate(async () => {
    const store = await window.Store.open('parts');
    const id = await store.createConversation('제목', {
      uid: 'chat-1',
      brain: 'gpt',
      tags: ['일', 'a"b'],
      metadata: { deep: [1, { when: new Date(0) }] },
      createdAt: new Date(1_000),
    });
    const same = await store.createConversation('other', 'x', { uid: 'chat-1' });
    const parts = [
      { type: 'reasoning', text: '생각' },
      { type: 'text', text: 'a' },
      { type: 'tool-weather', toolCallId: 't', state: 'output-available', input: { q: '서울' } },
      { type: 'text', text: '나 😀', providerMetadata: { x: null } },
    ];
    const added = await store.addMessage('chat-1', 'assistant', parts, {
      uid: 'm-1',
      model: 'm',
      usage: { inputTokens: 1, outputTokens: 2, cached: 3 },
      finishReason: 'stop',
      error: { name: 'x' },
      metadata: { a: undefined, b: 1 },
      source: { format: 'mine', data: [true] },
      createdAt: 5_000,
    });
    const plain = await store.addMessage(id, 'user', 'hi');
    await store.addMessage(id, 'user', '');
    const rows = await store.messagesFor(id);
    const conversation = await store.getConversation(id);
    const absent = [await store.getMessage(99), await store.getConversation('nobody')];
    return { same: same === id, added, plain, rows, conversation, parts, absent };
  });
  const { rows, conversation, parts, added, plain } = seen;
  expect(seen.same).toBe(true);
  expect(seen.absent).toEqual([undefined, undefined]);
  expect(conversation).toEqual({
    id: expect.any(Number),
    uid: 'chat-1',
    title: '제목',
    brain: 'gpt',
    createdAt: '1970-01-01T00:00:01.000Z',
    updatedAt: expect.any(String),
    pinned: false,
    archived: false,
    trashedAt: null,
    tags: ['일', 'a"b'],
    metadata: { deep: [1, { when: '1970-01-01T00:00:00.000Z' }] },
    headId: rows[2]?.id,
    headUid: rows[2]?.uid,
    messageCount: 3,
  });
  expect(rows[0]).toEqual({
    id: added.id,
    uid: 'm-1',
    conversationId: conversation?.id,
    conversationUid: 'chat-1',
    parentId: null,
    parentUid: null,
    role: 'assistant',
    content: 'a\n\n나 😀',
    parts,
    createdAt: '1970-01-01T00:00:05.000Z',
    status: 'complete',
    model: 'm',
    usage: { inputTokens: 1, outputTokens: 2, cached: 3 },
    finishReason: 'stop',
    error: { name: 'x' },
    metadata: { b: 1 },
    source: { format: 'mine', data: [true] },
  });
  expect(rows[1]).toMatchObject({
    id: plain.id,
    parentId: added.id,
    parentUid: 'm-1',
    parts: [{ type: 'text', text: 'hi' }],
    status: 'complete',
    model: null,
    usage: null,
    finishReason: null,
    error: null,
    metadata: null,
    source: null,
  });
  expect(rows[2]?.parts).toEqual([]);
});

test('what cannot be kept is refused by name, and changes nothing', async ({ page }) => {
  await load(page);
  const refusals = await page.evaluate(async () => {
    const store = await window.Store.open('refused');
    const id = await store.createConversation('t');
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    // biome-ignore lint/suspicious/noExplicitAny: what a page without types may give.
    const any = (value: unknown) => value as any;
    const tried: Record<string, () => Promise<unknown>> = {
      'a cycle': () => store.addMessage(id, 'user', 'x', { metadata: cycle }),
      'a BigInt': () => store.addMessage(id, 'user', 'x', { metadata: 1n }),
      'no type': () => store.addMessage(id, 'user', any([{ text: 'x' }])),
      'no text': () => store.addMessage(id, 'user', any([{ type: 'text' }])),
      'no content': () => store.addMessage(id, 'user', any(undefined)),
      'content and parts': () =>
        store.addMessage(id, 'user', 'x', {
          parts: [{ type: 'text', text: 'y' }],
        }),
      status: () => store.addMessage(id, 'user', 'x', { status: any('done') }),
      tags: () => store.updateConversation(id, { tags: any(['a', 1]) }),
      head: () => store.updateConversation(id, { head: 999 }),
      messages: () => store.saveMessages(id, any('x')),
      'a message': () => store.saveMessages(id, [{ role: 'user', content: 'a' }, any(3)]),
      'a role': () => store.saveMessages(id, [{ role: 'user' }, { role: any('robot') }]),
      branches: () => store.messagesFor(id, any({ branches: 'some' })),
      'a blob': () => store.putBlob(any('x')),
      'a ref': () => store.getBlob('x'),
    };
    const seen: Record<string, string> = {};
    for (const [name, call] of Object.entries(tried)) {
      seen[name] = await call().then(
        () => 'resolved',
        (error) => `${error.code}: ${error.message}`,
      );
    }
    return { seen, left: await store.messagesFor(id, { branches: 'all' }) };
  });
  expect(refusals.left).toEqual([]);
  const beginnings: Record<string, RegExp> = {
    'a cycle': /^invalid-argument: .*circular/i,
    'a BigInt': /^invalid-argument: .*BigInt/,
    'no type': /^invalid-argument: parts\[0\] is no part/,
    'no text': /^invalid-argument: parts\[0\]\.text/,
    'no content': /^invalid-argument: content is missing/,
    'content and parts': /^invalid-argument: content is not the text of parts/,
    status: /^invalid-argument: extra\.status: unknown variant `done`/,
    tags: /^invalid-argument: patch\.tags\[1\]: invalid type/,
    head: /^not-found: this conversation has no message with the id 999/,
    messages: /^invalid-argument: messages: .*an array/,
    'a message': /^invalid-argument: messages\[1\]: invalid type/,
    'a role': /^invalid-argument: messages\[1\]\.role: unknown variant `robot`/,
    branches: /^invalid-argument: query\.branches: unknown variant `some`/,
    'a blob': /^invalid-argument: blob/,
    'a ref': /^invalid-argument: ref/,
  };
  for (const [name, beginning] of Object.entries(beginnings)) {
    expect(refusals.seen[name], name).toMatch(beginning);
  }
});

test('an app saves its whole chat after every turn', async ({ page }) => {
  await load(page);
  const seen = await page.evaluate(async () => {
    const store = await window.Store.open('saving');
    // As an AI SDK has them.
    const message = (id: string, role: 'user' | 'assistant', text: string) => ({
      id,
      role,
      parts: [{ type: 'text', text }],
      metadata: { at: 1 },
    });
    const chat = [message('q1', 'user', 'hi'), message('a1', 'assistant', 'hello')];
    const first = await store.saveMessages('chat', chat, { create: { title: 'made' } });
    let changes = 0;
    store.addEventListener('change', ({ detail }) => {
      changes += detail.changes.length;
    });
    const again = await store.saveMessages('chat', chat);
    const unchanged = changes;
    // Regenerated: the last answer is another one.
    await store.saveMessages('chat', [chat[0] as object, message('a2', 'assistant', 'hello!')]);
    const branches = await store.branches('a1');
    // Rows as they are read fit as well.
    const rows = await store.messagesFor('chat');
    await store.saveMessages('chat', rows);
    const head = 'a2';
    const other = await window.Store.open('saving');
    await other.addMessage('chat', 'user', '그리고?', { uid: 'q2' });
    const stale = await store
      .saveMessages('chat', [...chat, message('x', 'user', 'mine')], { head })
      .catch((error) => error);
    return {
      same: JSON.stringify(first) === JSON.stringify(again),
      unchanged,
      branches: branches.map(({ uid, onPath, leafUid }) => [uid, onPath, leafUid]),
      title: (await store.getConversation('chat'))?.title,
      code: stale.code,
      since: stale.details.messages.map((it: { uid: string }) => it.uid),
      path: (await store.messagesFor('chat')).map(({ uid }) => uid),
    };
  });
  expect(seen).toEqual({
    same: true,
    unchanged: 0,
    branches: [
      ['a1', false, 'a1'],
      ['a2', true, 'a2'],
    ],
    title: 'made',
    code: 'conflict',
    since: ['q2'],
    path: ['q1', 'a2', 'q2'],
  });
});

test('branches, trash, forks and clearing, in every tab', async ({ context, page }) => {
  await load(page);
  const other = await load(await context.newPage());
  for (const tab of [page, other]) {
    await tab.evaluate(async () => {
      window.store = await window.Store.open('branches');
    });
  }
  const first = await page.evaluate(async () => {
    const id = await window.store.createConversation('t');
    for (const uid of ['a', 'b', 'c']) await window.store.addMessage(id, 'user', uid, { uid });
    await window.store.addMessage(id, 'user', 'b2', { uid: 'b2', parentId: 'a' });
    return id;
  });
  const seen = await other.evaluate(async (id) => {
    const { store } = window;
    const uids = async () => (await store.messagesFor(id)).map(({ uid }) => uid);
    const paths = [await uids()];
    const [b] = await store.branches('b2');
    await store.updateConversation(id, { head: b?.leafId ?? null });
    paths.push(await uids());
    await store.deleteMessage({ conversationId: id, uid: 'b' });
    paths.push(await uids());
    const fork = await store.fork(id, 'a');
    await store.updateConversation(fork, { trashed: true, pinned: true });
    const listed = (await store.listConversations()).map((row) => row.id);
    const trash = (await store.listConversations({ trashed: true })).map((row) => row.id);
    const emptied = [
      await store.emptyTrash(new Date(Date.now() - 60_000)),
      await store.emptyTrash(),
    ];
    return { paths, fork, listed, trash, emptied };
  }, first);
  expect(seen).toEqual({
    paths: [
      ['a', 'b2'],
      ['a', 'b', 'c'],
      ['a', 'c'],
    ],
    fork: first + 1,
    listed: [first],
    trash: [first + 1],
    emptied: [0, 1],
  });
  const reset = page.evaluate(
    () =>
      new Promise((resolve) => {
        window.store.addEventListener('change', ({ detail }) => detail.reset && resolve('reset'));
      }),
  );
  await other.evaluate(() => window.store.clear());
  expect(await reset).toBe('reset');
  expect(await page.evaluate(() => window.store.listConversations())).toEqual([]);
});

test('200 MB go in and out of a follower in pieces', async ({ context, page }) => {
  test.setTimeout(180_000);
  await load(page);
  const other = await load(await context.newPage());
  for (const tab of [page, other]) {
    await tab.evaluate(async () => {
      window.store = await window.Store.open('blobs');
    });
  }
  const seen = await other.evaluate(async () => {
    const MB = 1_048_576;
    const bytes = new Uint8Array(MB);
    const pieces = Array.from({ length: 200 }, (_, n) => {
      bytes.fill(n);
      return new Blob([bytes]);
    });
    const blob = new Blob(pieces, { type: 'video/mp4' });
    const put = await window.store.putBlob(blob);
    const id = await window.store.createConversation('film');
    const url = put.ref;
    await window.store.addMessage(id, 'user', [{ type: 'file', mediaType: put.type, url }]);
    const back = await window.store.getBlob(put.ref);
    const digest = async (from: Blob | undefined) => {
      const hash = await crypto.subtle.digest('SHA-256', await (from as Blob).arrayBuffer());
      return [...new Uint8Array(hash)].map((it) => it.toString(16).padStart(2, '0')).join('');
    };
    return {
      put,
      size: back?.size,
      type: back?.type,
      hashes: [await digest(blob), await digest(back)],
      absent: await window.store.getBlob('0'.repeat(64)),
    };
  });
  expect(seen).toEqual({
    put: {
      ref: `conversation-store:sha256-${seen.put.hash}`,
      hash: seen.hashes[0],
      size: 200 * 1_048_576,
      type: 'video/mp4',
    },
    size: 200 * 1_048_576,
    type: 'video/mp4',
    hashes: [seen.put.hash, seen.put.hash],
    absent: undefined,
  });
});
