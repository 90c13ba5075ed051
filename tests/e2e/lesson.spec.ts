/**
 * The lesson's Python class and the sqlite3 command on the bytes that the browser reads and
 * writes, both ways.
 */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { lesson, sqlite3 } from '../lesson/python.mjs';
import { backup, expectValid, load, test } from './browser.js';

interface Rows {
  conversations: { id: number; title: string; brain: string }[];
  messages: Record<string, { id: number; role: string; content: string }[]>;
}

let folder: string;
test.beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conversation-store-lesson-'));
});
test.afterEach(() => rm(folder, { recursive: true }));

/** Everything the store in the page gives, in the shape of the Python program's dump. */
async function everything(page: Page): Promise<Rows> {
  return page.evaluate(async () => {
    const conversations = await window.store.listConversations(1000);
    const messages: Rows['messages'] = {};
    for (const { id } of conversations) {
      const rows = await window.store.messagesFor(id);
      messages[id] = rows.map(({ id, role, content }) => ({ id, role, content }));
    }
    return {
      conversations: conversations.map(({ id, title, brain }) => ({ id, title, brain })),
      messages,
    };
  });
}

async function restore(page: Page, file: string): Promise<void> {
  const bytes = (await readFile(file)).toString('base64');
  await page.evaluate(async (bytes) => {
    const binary = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
    await window.store.restore(new Blob([binary]));
  }, bytes);
}

/** The dump of a file by the Python class, in the same shape, its integrity checked. */
async function dump(file: string): Promise<Rows> {
  const { integrity_check, foreign_key_check } = await lesson('check', file);
  expect([integrity_check, foreign_key_check].flat()).toEqual(['ok']);
  await expectValid(file);
  return shaped(await lesson('dump', file));
}

function shaped(dumped: {
  conversations: { id: number; title: string; brain: string; messages?: unknown }[];
  messages: { id: number; conversation_id: number; role: string; content: string }[];
}): Rows {
  const messages: Rows['messages'] = {};
  for (const { id } of dumped.conversations) messages[id] = [];
  for (const { id, conversation_id, role, content } of dumped.messages) {
    messages[conversation_id]?.push({ id, role, content });
  }
  // The lesson's own index gives the rows of one second in reverse, and its whole seconds sort
  // before our milliseconds of the same second; healing puts both in the order of their ids.
  for (const rows of Object.values(messages)) rows.sort((a, b) => a.id - b.id);
  return {
    conversations: dumped.conversations.map(({ id, title, brain }) => ({ id, title, brain })),
    messages,
  };
}

test("the lesson's file in, out, written by Python, and back in", async ({ page }) => {
  const theirs = join(folder, 'lesson.db');
  const made = shaped(await lesson('make', theirs));
  await load(page);
  await page.evaluate(async () => {
    window.store = await window.Store.open('lesson');
    const gone = await window.store.createConversation('replaced by the file');
    await window.store.addMessage(gone, 'user', 'gone');
  });
  await restore(page, theirs);
  const restored = await everything(page);
  expect(restored.messages).toEqual(made.messages);
  expect(new Set(restored.conversations)).toEqual(new Set(made.conversations));
  const times = await page.evaluate(async () =>
    (await window.store.listConversations()).map((row) => row.updatedAt),
  );
  expect(times.every((time) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time))).toBe(true);

  const [first] = restored.conversations;
  const id = first?.id ?? 0;
  await page.evaluate((id) => window.store.addMessage(id, 'assistant', '브라우저에서 🌱'), id);
  const ours = join(folder, 'backup.db');
  await backup(page, ours);
  const before = await everything(page);
  expect(await dump(ours)).toEqual(before);

  await lesson('append', ours, id, 'user', '파이썬에서 🐍');
  await lesson('create', ours, 'made by Python', 'echo');
  const deleted = before.conversations.at(-1)?.id ?? 0;
  await lesson('delete', ours, deleted);
  const written = await dump(ours);

  await restore(page, ours);
  const back = await everything(page);
  expect(back.messages).toEqual(written.messages);
  expect(back.messages[id]?.at(-1)?.content).toBe('파이썬에서 🐍');
  expect(back.conversations.map((row) => row.title)).toContain('made by Python');
  expect(back.messages[deleted]).toBeUndefined();

  // And reloaded, from the files of the browser.
  await page.evaluate(() => window.store.close());
  await load(page);
  await page.evaluate(async () => {
    window.store = await window.Store.open('lesson');
  });
  expect(await everything(page)).toEqual(back);
});

test('Python reads and adds to a file with branches, trash, tags and attachments', async ({
  page,
}) => {
  await load(page);
  const before = await page.evaluate(async () => {
    window.store = await window.Store.open('branches');
    const { store } = window;
    const id = await store.createConversation('가지', { tags: ['일'], metadata: { a: 1 } });
    for (const uid of ['a', 'b', 'c']) await store.addMessage(id, 'user', uid, { uid });
    await store.addMessage(id, 'assistant', 'b2', { uid: 'b2', parentId: 'a' });
    const { ref } = await store.putBlob(new Blob(['bytes'], { type: 'text/plain' }));
    await store.addMessage(
      id,
      'user',
      [
        { type: 'text', text: 'with a file' },
        { type: 'file', url: ref },
      ],
      { uid: 'file' },
    );
    const growing = await store.addMessage(id, 'assistant', 'so', { uid: 'growing' });
    await store.appendToMessage(growing.id, ' far');
    const trashed = await store.createConversation('버린 것');
    await store.updateConversation(trashed, { trashed: true });
    return { id, ref, trashed, rows: await store.messagesFor(id, { branches: 'all' }) };
  });
  const file = join(folder, 'branches.db');
  await backup(page, file);
  const dumped = await dump(file);
  // It knows no trash and no branches: it lists everything, each text whole.
  expect(dumped.conversations.map(({ title }) => title).sort()).toEqual(['가지', '버린 것']);
  expect(dumped.messages[before.id]?.map(({ content }) => content)).toEqual([
    'a',
    'b',
    'c',
    'b2',
    'with a file',
    'so far',
  ]);
  await lesson('append', file, before.id, 'user', '파이썬에서 🐍');
  await restore(page, file);
  const after = await page.evaluate(async ({ id, ref, trashed }) => {
    const { store } = window;
    const blob = await store.getBlob(ref);
    return {
      path: (await store.messagesFor(id)).map(({ content }) => content),
      all: await store.messagesFor(id, { branches: 'all' }),
      branches: (await store.branches('b')).map(({ uid }) => uid),
      text: await blob?.text(),
      tags: (await store.getConversation(id))?.tags,
      trashed: (await store.getConversation(trashed))?.trashedAt,
      heal: await store.heal(),
      again: await store.heal(),
    };
  }, before);
  expect(after.path).toEqual(['a', 'b2', 'with a file', 'so far', '파이썬에서 🐍']);
  expect(after.all.slice(0, -1)).toEqual(before.rows);
  expect(after).toMatchObject({ branches: ['b', 'b2'], text: 'bytes', tags: ['일'] });
  expect(after.trashed).toMatch(/Z$/);
  expect(after.heal.repairs.map(({ kind }) => kind)).toContain('adopted-message');
  expect(after.again).toEqual({ healed: 0, repairs: [] });
});

test('the sqlite3 command reads and writes a backup', async ({ page }) => {
  await load(page);
  await page.evaluate(async () => {
    window.store = await window.Store.open('command');
    const id = await window.store.createConversation('명령줄');
    await window.store.addMessage(id, 'user', 'from the page');
  });
  const file = join(folder, 'backup.db');
  await backup(page, file);
  expect(await sqlite3(file, 'SELECT title, content FROM conversations, messages')).toEqual([
    { title: '명령줄', content: 'from the page' },
  ]);
  await sqlite3(
    file,
    "INSERT INTO messages (conversation_id, role, content) SELECT id, 'user', 'by hand' FROM conversations",
  );
  await restore(page, file);
  const { messages } = await everything(page);
  expect(
    Object.values(messages)
      .flat()
      .map((row) => row.content),
  ).toEqual(['from the page', 'by hand']);
});

test('damaged, newer and foreign files are refused with their codes and the old data stays', async ({
  page,
}) => {
  await load(page);
  await page.evaluate(async () => {
    window.store = await window.Store.open('refusals');
    const id = await window.store.createConversation('mine');
    for (let n = 0; n < 200; n++) await window.store.addMessage(id, 'user', 'x'.repeat(400));
  });
  const good = join(folder, 'good.db');
  await backup(page, good);
  const before = await everything(page);

  const damaged = join(folder, 'damaged.db');
  const bytes = await readFile(good);
  bytes.fill(0xaa, bytes.length / 2, bytes.length / 2 + 9000);
  await writeFile(damaged, bytes);
  const newer = join(folder, 'newer.db');
  await writeFile(newer, await readFile(good));
  await sqlite3(newer, 'PRAGMA user_version = 99');
  const foreign = join(folder, 'foreign.db');
  await sqlite3(foreign, 'CREATE TABLE bookmarks (url TEXT)');
  const text = join(folder, 'text.db');
  await writeFile(text, 'title,content\n'.repeat(1000));
  const refusals: Record<string, string> = {
    [damaged]: 'corrupt',
    [newer]: 'schema-too-new',
    [foreign]: 'unsupported-format',
    [text]: 'not-a-database',
  };
  for (const [file, code] of Object.entries(refusals)) {
    const refused = restore(page, file).then(
      () => 'restored',
      (error) => String(error),
    );
    const codes = await page.evaluate(
      async (bytes) => {
        const binary = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
        return window.code(window.store.restore(new Blob([binary])));
      },
      (await readFile(file)).toString('base64'),
    );
    expect(codes, file).toBe(code);
    expect(await refused, file).not.toBe('restored');
    expect(await everything(page), file).toEqual(before);
  }
});
