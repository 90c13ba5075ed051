/** The example of README.md, executed as it stands there. */

import { readFile } from 'node:fs/promises';
import { expect } from '@playwright/test';
import { load, origin, test } from './browser.js';

test('the example of the README runs and does what it says', async ({ page }) => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const example = /## Example\n\n```js\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(example).toBeDefined();
  const module = `${example}`.replace("'conversation-store'", "'/package/index.js'");
  await load(page);
  await page.route(`${origin}/readme.js`, (route) =>
    route.fulfill({
      contentType: 'text/javascript',
      body: `${module}\nexport { newest, messages };`,
    }),
  );
  const { newest, messages } = await page.evaluate(
    () => import(`${location.origin}/readme.js`) as Promise<{ newest: object; messages: object[] }>,
  );
  expect(newest).toMatchObject({ title: '첫 대화 🌱', brain: 'claude' });
  expect(messages).toMatchObject([
    { role: 'user', content: 'Where are my chats kept?' },
    { role: 'assistant', content: 'In this browser, in a SQLite database.' },
  ]);
});

test('the search of the README finds what it should', async ({ page }) => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const example = /### Search\n\n```js\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(example).toBeDefined();
  await load(page);
  await page.route(`${origin}/search.js`, (route) =>
    route.fulfill({
      contentType: 'text/javascript',
      body: `export const search = async (store) => { ${example} return hits; };`,
    }),
  );
  const hits = await page.evaluate(async () => {
    const store = await window.Store.open(':memory:');
    const id = await store.createConversation('t');
    for (const text of ['오늘회의록 for Next Week', '회의 next week, a draft', '회의 week next']) {
      await store.addMessage(id, 'user', text);
    }
    const { search } = await import(`${location.origin}/search.js`);
    return search(store);
  });
  expect(hits).toMatchObject([{ kind: 'message', snippet: '오늘회의록 for Next Week', count: 1 }]);
});

test('the salvage of the README mends a damaged store', { tag: '@opfs' }, async ({ page }) => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const example = /### When the file is damaged\n[\s\S]*?```js\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(example).toBeDefined();
  const module = `${example}`.replace("'conversation-store'", "'/package/index.js'");
  await load(page);
  await page.route(`${origin}/salvage.js`, (route) =>
    route.fulfill({
      contentType: 'text/javascript',
      body: `const offer = (files) => { offered = files; }; export let offered; ${module}\nexport { store };`,
    }),
  );
  const found = await page.evaluate(async () => {
    const whole = await window.Store.open('chats');
    await whole.addMessage(await whole.createConversation('t'), 'user', '남은 것');
    await whole.close();
    const root = await navigator.storage.getDirectory();
    const folder = await (await root.getDirectoryHandle('conversation-store')).getDirectoryHandle(
      'chats',
    );
    const writable = await (await folder.getFileHandle('main.db')).createWritable({
      keepExistingData: true,
    });
    await writable.write(new Uint8Array(100));
    await writable.close();
    const { store, offered } = await import(`${location.origin}/salvage.js`);
    const [chat] = await store.listConversations();
    const [message] = await store.messagesFor(chat.id);
    await store.close();
    return [chat.title, message.content, offered.length];
  });
  expect(found).toEqual(['t', '남은 것', 1]);
});
