/** Import and export through the page's class: files of other programs in, ours out and back, equal. */

import { expect, type Page } from '@playwright/test';
import { load, test } from './browser.js';

async function open(page: Page, name: string): Promise<void> {
  await load(page);
  await page.evaluate(async (name) => {
    window.store = await window.Store.open(name);
  }, name);
}

const CHATGPT = [
  {
    id: 'chat-1',
    title: '여행 ✈️',
    create_time: 1_700_000_000.5,
    update_time: 1_700_000_100,
    current_node: 'a2',
    mapping: {
      root: { id: 'root', parent: null, children: ['q'], message: null },
      q: node('q', 'root', 'user', '어디로?', 1_700_000_010),
      a1: node('a1', 'q', 'assistant', 'Busan', 1_700_000_020),
      a2: node('a2', 'q', 'assistant', '제주로!', 1_700_000_030),
    },
  },
];

function node(id: string, parent: string, role: string, text: string, at: number) {
  const content = { content_type: 'text', parts: [text] };
  const message = {
    id,
    author: { role },
    create_time: at,
    content,
    status: 'finished_successfully',
  };
  return { id, parent, children: [], message };
}

test('a chat of ChatGPT comes in as a tree, once, and goes on elsewhere', async ({ page }) => {
  await open(page, 'chatgpt');
  const seen = await page.evaluate(async (file) => {
    const { store } = window;
    const changes: number[] = [];
    store.addEventListener('change', ({ detail }) => changes.push(detail.changes.length));
    const first = await store.import(JSON.stringify(file));
    const [conversation] = await store.listConversations();
    const id = conversation?.id ?? 0;
    const path = (await store.messagesFor(id)).map(({ uid, content }) => [uid, content]);
    const branches = (await store.branches('a1')).map(({ uid }) => uid);
    await store.status();
    const before = changes.length;
    const again = await store.import(new Blob([JSON.stringify(file)]));
    await store.status();
    const told = changes.length - before;
    const [chat] = file as { current_node: string; mapping: Record<string, object> }[];
    if (chat) {
      chat.current_node = 'q2';
      chat.mapping.q2 = {
        id: 'q2',
        parent: 'a2',
        children: [],
        message: {
          id: 'q2',
          author: { role: 'user' },
          content: { content_type: 'text', parts: ['언제?'] },
        },
      };
    }
    const later = await store.import(file);
    return {
      first,
      again,
      later,
      told,
      conversation,
      path,
      branches,
      after: (await store.messagesFor(id)).map(({ content }) => content),
    };
  }, CHATGPT);
  const counts = (created: number, updated: number, skipped: number) => ({
    created,
    updated,
    skipped,
    failed: 0,
  });
  expect(seen.first).toMatchObject({
    conversations: counts(1, 0, 0),
    messages: counts(3, 0, 0),
    failures: [],
  });
  expect(seen.again).toMatchObject({ conversations: counts(0, 0, 1), messages: counts(0, 0, 3) });
  expect(seen.told, 'importing again changes nothing').toBe(0);
  expect(seen.later).toMatchObject({ messages: counts(1, 0, 3), failures: [] });
  expect(seen.conversation).toMatchObject({
    title: '여행 ✈️',
    createdAt: '2023-11-14T22:13:20.500Z',
    headUid: 'a2',
    messageCount: 3,
  });
  expect(seen.path).toEqual([
    ['q', '어디로?'],
    ['a2', '제주로!'],
  ]);
  expect(seen.branches).toEqual(['a1', 'a2']);
  expect(seen.after).toEqual(['어디로?', '제주로!', '언제?']);
});

test('everything leaves a follower as one file and comes back equal elsewhere', async ({
  context,
  page,
}) => {
  await open(page, 'out');
  const follower = await context.newPage();
  await open(follower, 'out');
  const seen = await follower.evaluate(async () => {
    const { store } = window;
    const id = await store.createConversation('가지', {
      uid: 'tree',
      tags: ['일'],
      metadata: { a: [1] },
      pinned: true,
    });
    for (const uid of ['a', 'b', 'c']) {
      await store.addMessage(id, uid === 'b' ? 'assistant' : 'user', `말 ${uid}`, { uid });
    }
    const { ref } = await store.putBlob(new Blob(['bytes'], { type: 'text/plain' }));
    await store.addMessage(
      id,
      'assistant',
      [
        { type: 'reasoning', text: '…' },
        { type: 'text', text: 'b2' },
        { type: 'file', url: ref },
      ],
      { uid: 'b2', parentId: 'a', model: 'm', usage: { inputTokens: 1 }, status: 'waiting' },
    );
    const away = await store.createConversation('archived');
    await store.updateConversation(away, { archived: true, trashed: true });
    const file = await store.export();
    const other = await window.Store.open('in');
    const report = await other.import(file);
    const everything = async (from: typeof store) => {
      const chats = await from.listConversations({ archived: 'any', trashed: 'any' });
      return Promise.all(
        chats.map(async ({ id: _, headId: __, ...chat }) => {
          const rows = await from.messagesFor(chat.uid, { branches: 'all' });
          return [chat, rows.map(({ id, conversationId, parentId, ...row }) => row)];
        }),
      );
    };
    return {
      type: file.type,
      report,
      out: await everything(store),
      in: await everything(other),
      blob: await (await other.getBlob(ref))?.text(),
      markdown: await (
        await store.export({ format: 'markdown', conversationIds: ['tree'] })
      ).text(),
      code: await window.code(store.export({ conversationIds: ['nobody'] })),
    };
  });
  expect(seen.type).toBe('application/zip');
  expect(seen.report).toMatchObject({
    conversations: { created: 2, failed: 0 },
    messages: { created: 4, failed: 0 },
    failures: [],
  });
  expect(seen.in).toEqual(seen.out);
  expect(seen.blob).toBe('bytes');
  expect(seen.markdown).toMatch(/가지[\s\S]*말 a[\s\S]*b2/);
  expect(seen.code).toBe('not-found');
});

test('messages of the AI SDK and of OpenAI come back deep-equal', async ({ page }) => {
  await open(page, 'sdks');
  const seen = await page.evaluate(async () => {
    const { store } = window;
    const ui = [
      { id: 'u1', role: 'user', parts: [{ type: 'text', text: '안녕' }], extra: { kept: [1] } },
      {
        id: 'a1',
        role: 'assistant',
        metadata: { at: 1 },
        parts: [
          { type: 'step-start' },
          { type: 'reasoning', text: 'hm', state: 'done', providerMetadata: { x: { y: null } } },
          {
            type: 'tool-weather',
            toolCallId: 't',
            state: 'output-available',
            input: { q: 1 },
            output: 'sun',
          },
          { type: 'text', text: 'hello', state: 'done' },
        ],
      },
    ];
    const openai = [
      { role: 'developer', content: 'be kind' },
      { role: 'user', content: [{ type: 'text', text: 'hi' }], name: 'me' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c', content: '42' },
      { role: 'assistant', content: 'It is 42.' },
    ];
    const back = async (messages: object[], format: 'ai-sdk' | 'openai') => {
      const { ids } = await store.import(messages, { title: format });
      const file = await store.export({ format, conversationIds: ids });
      return JSON.parse(await file.text());
    };
    return { ui, openai, backs: [await back(ui, 'ai-sdk'), await back(openai, 'openai')] };
  });
  expect(seen.backs).toEqual([seen.ui, seen.openai]);
});

test('an abort keeps whole chats and says how many; the rest comes with the next import', async ({
  page,
}) => {
  await open(page, 'aborted');
  const seen = await page.evaluate(async () => {
    const { store } = window;
    const chats = Array.from({ length: 1000 }, (_, n) => ({
      title: `${n}`,
      uid: `chat-${n}`,
      messages: Array.from({ length: 5 }, (_, m) => ({ role: 'user', content: `${n} ${m}` })),
    }));
    const controller = new AbortController();
    const onProgress = ({ conversations }: { conversations: number }) =>
      conversations > 300 && controller.abort('enough');
    const error = await store
      .import(chats, { onProgress }, { signal: controller.signal })
      .catch((error) => error);
    const kept = await store.listConversations(10_000);
    const counts = new Set(kept.map(({ messageCount }) => messageCount));
    const report = await store.import(chats);
    return {
      error: [error.code, error.cause, error.details.report.conversations.created === kept.length],
      counts: [...counts],
      rest: report.conversations.created + kept.length,
      all: (await store.listConversations(10_000)).length,
    };
  });
  expect(seen).toEqual({ error: ['aborted', 'enough', true], counts: [5], rest: 1000, all: 1000 });
});

test('a SQLite file of ours is merged, from a follower, and once', async ({ context, page }) => {
  await open(page, 'merged');
  const follower = await context.newPage();
  await open(follower, 'merged');
  const seen = await follower.evaluate(async () => {
    const other = await window.Store.open('source');
    const id = await other.createConversation('theirs');
    await other.addMessage(id, 'user', '저쪽에서');
    const file = await other.backup();
    await window.store.createConversation('mine');
    const first = await window.store.import(file);
    const again = await window.store.import(file);
    return {
      counts: [first.conversations.created, first.messages.created],
      again: [again.conversations.skipped, again.messages.skipped],
      titles: (await window.store.listConversations()).map(({ title }) => title).sort(),
      damaged: await window.code(window.store.import(file.slice(0, 5000))),
    };
  });
  expect(seen).toEqual({
    counts: [1, 1],
    again: [1, 1],
    titles: ['mine', 'theirs'],
    damaged: 'corrupt',
  });
});

test('what is no file of chats is refused, and the store goes on', async ({ page }) => {
  await open(page, 'refused');
  const codes = await page.evaluate(async () => {
    const { store } = window;
    const codes: Record<string, string> = {};
    // biome-ignore lint/suspicious/noExplicitAny: what a page without types may give.
    const tried: Record<string, any> = {
      empty: '',
      text: 'hello',
      html: '<!doctype html><p>no',
      png: new Blob([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])]),
      number: 5,
      nothing: null,
      deep: '['.repeat(100_000),
      'UTF-16': new Blob([new Uint8Array([0xff, 0xfe, 0x5b, 0, 0x5d, 0])]),
    };
    for (const [name, data] of Object.entries(tried)) {
      codes[name] = await window.code(store.import(data));
    }
    codes.after = `${(await store.import([{ role: 'user', content: 'hi' }])).ids.length}`;
    return codes;
  });
  const { after, ...refused } = codes;
  expect(after).toBe('1');
  for (const [name, code] of Object.entries(refused)) {
    expect(['unsupported-format', 'corrupt', 'invalid-argument'], name).toContain(code);
  }
});
