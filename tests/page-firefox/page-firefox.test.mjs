/**
 * What a reader does with the chat page, in Firefox: tests/e2e/page*.spec.ts holds it of Chromium in detail,
 * this that it all works in another engine, by real presses and keys. `www/dist` must have been built.
 */

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { firefox, started } from '../firefox/webdriver.mjs';

const PORT = process.env.PAGE_PORT ?? '41733';
const origin = `http://localhost:${PORT}`;
const root = fileURLToPath(new URL('../../', import.meta.url));
const ENTER = '\uE007';

const id = (name) => `[data-testid="${name}"]`;
const LAST = `${id('message')}:last-child ${id('message-text')}`;

let served;
let browser;
let model;
let folder;
let page;
/** Tells of each question that has come whole, with what says a piece of its answer, or ends it. */
const questions = new EventEmitter();

before(async () => {
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const config = ['--config', join(root, 'www/vite.config.ts')];
  const where = ['--port', PORT, '--strictPort'];
  served = await started(
    process.execPath,
    [vite, 'preview', ...config, ...where],
    new RegExp(`(${PORT})`),
  );
  model = createServer(async (request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Allow-Headers', '*');
    if (request.method === 'OPTIONS') return response.writeHead(204).end();
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (!JSON.parse(Buffer.concat(chunks)).stream) {
      // A title is asked for.
      response.setHeader('Content-Type', 'application/json');
      const message = { role: 'assistant', content: 'Where cats sleep' };
      return response.end(JSON.stringify({ choices: [{ message }] }));
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const tell = (choice) => response.write(`data: ${JSON.stringify({ choices: [choice] })}\n\n`);
    response.flushHeaders();
    questions.emit('asked', (content) => {
      if (content !== undefined) return tell({ delta: { content } });
      tell({ delta: {}, finish_reason: 'stop' });
      response.end('data: [DONE]\n\n');
    });
  });
  model.listen(0, '127.0.0.1');
  await once(model, 'listening');
  folder = await mkdtemp(join(tmpdir(), 'conversation-store-files-'));
  browser = await firefox();
  page = await browser.open();
});

after(async () => {
  await browser?.stop();
  await served?.stop();
  model?.closeAllConnections();
  model?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Opens the page and waits until the list has been read. */
async function open(page, hash = '') {
  // An address that differs in its hash alone is no other page.
  await page.goto('about:blank');
  await page.goto(`${origin}/${hash}`);
  await page.until(() =>
    document.querySelector('[data-testid="conversations"][aria-busy="false"]'),
  );
}

const shows = (page, selector) =>
  page.until((selector) => document.querySelector(selector) !== null, selector);

/** Waits until an element says so. */
const says = (page, selector, text) =>
  page.until(
    (selector, text) =>
      [...document.querySelectorAll(selector)].some((each) => each.textContent.includes(text)),
    selector,
    text,
  );

/** Waits until none does. */
const saysNot = (page, selector, text) =>
  page.until(
    (selector, text) =>
      [...document.querySelectorAll(selector)].every((each) => !each.textContent.includes(text)),
    selector,
    text,
  );

const TITLE = id('row-title');

test('a chat is begun, and its answer is on show while it comes', async () => {
  await open(page);
  const { port } = model.address();
  await page.evaluate((url) => {
    const endpoint = { name: 'home', url, model: 'small', keyPlace: 'tab' };
    localStorage.setItem('chats:endpoints', JSON.stringify([endpoint]));
    localStorage.setItem('chats:language', 'en');
  }, `http://127.0.0.1:${port}/v1`);
  await open(page, '#/new');
  await shows(page, id('new-brain'));
  await page.evaluate((selector) => {
    const select = document.querySelector(selector);
    select.value = [...select.options].find(({ label }) => label === 'home').value;
    select.dispatchEvent(new Event('change', { bubbles: true }));
  }, id('new-brain'));
  const asked = once(questions, 'asked');
  await page.type(id('composer'), `고양이가 어디서 자나요?${ENTER}`);
  const [say] = await asked;
  await shows(page, '[data-status="streaming"]');
  say('On the **warm** ');
  await says(page, `${LAST} strong`, 'warm');
  assert.equal(
    await page.evaluate(() => document.querySelectorAll('[data-status="streaming"]').length),
    1,
  );
  say('windowsill.');
  say();
  await says(page, LAST, 'On the warm windowsill.');
  await shows(page, '[data-status="complete"]');
  // It is asked for a title as well.
  await says(page, TITLE, 'Where cats sleep');
});

test('it is renamed, by its title', async () => {
  await page.click(id('chat-rename'));
  await page.until(() => document.activeElement?.matches('[data-testid="inline-edit"]'));
  await page.evaluate(() => document.activeElement.select());
  await page.type(id('inline-edit'), `낮잠${ENTER}`);
  await says(page, TITLE, '낮잠');
  await says(page, id('chat-title'), '낮잠');
});

test('it is deleted, and comes back with Undo', async () => {
  await page.click(id('chat-delete'));
  await saysNot(page, TITLE, '낮잠');
  await page.click(`${id('toast')} button`);
  await says(page, TITLE, '낮잠');
});

test('a part of a Korean word finds it', async () => {
  await page.type(id('search'), '양이가');
  await says(page, id('hit'), '고양이가 어디서 자나요?');
  await page.click(id('search-clear'));
  await says(page, TITLE, '낮잠');
});

test('a file is imported', async () => {
  const file = join(folder, 'mine.json');
  const messages = [{ role: 'user', content: 'From a file' }];
  await writeFile(file, JSON.stringify([{ title: 'Imported', messages }]));
  await page.type(id('import-file'), file);
  await says(page, TITLE, 'Imported');
  await shows(page, id('import-report'));
});

test('all of it is there after a reload', async () => {
  await open(page);
  await says(page, TITLE, 'Imported');
  await page.evaluate((selector) => {
    const row = [...document.querySelectorAll(selector)].find((it) => it.textContent === '낮잠');
    row.closest('a').click();
  }, TITLE);
  await says(page, id('message-text'), '고양이가 어디서 자나요?');
  await says(page, LAST, 'On the warm windowsill.');
});

test('what one window writes the other shows, both ways', async () => {
  const other = await browser.open();
  const { hash } = new URL(await page.evaluate(() => location.href));
  await open(other, hash);
  await says(other, LAST, 'On the warm windowsill.');
  for (const [from, to, text] of [
    [page, other, 'from the first'],
    [other, page, 'from the second'],
  ]) {
    // Nobody is asked: it is a note.
    await from.evaluate((selector) => {
      const select = document.querySelector(selector);
      select.value = 'system';
      select.dispatchEvent(new Event('change', { bubbles: true }));
    }, id('role'));
    await from.type(id('composer'), `${text}${ENTER}`);
    await says(to, LAST, text);
  }
  await other.close();
});

test('backups into a folder', async (context) => {
  await page.click(id('storage'));
  await shows(page, id('backup-folder'));
  const has = await page.evaluate(() => 'showDirectoryPicker' in globalThis);
  const offered = await page.evaluate(
    (selector) => document.querySelector(selector) !== null,
    id('pick-folder'),
  );
  assert.equal(offered, has);
  if (!has) context.skip('this engine has no showDirectoryPicker: there are downloads instead');
});
