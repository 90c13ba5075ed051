// What somebody might write, import or name a file so that the page runs it: a corpus of several hundred
// (tests/xss), each in every place where people's text is shown, with the page's policy and without it.
// None runs, and nothing that could is in the page. Nothing here waits for time to pass.

import { expect, type Page, test } from '@playwright/test';
import { all, payloads } from '../xss/payloads.mjs';
import { composer, create, guard, open, ready, saved, texts } from './page.js';

guard();

/** So many payloads in one chat: each is a message of a person, of a brain, and of the system. */
const IN_A_CHAT = 16;

const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, at) =>
    list.slice(at * size, (at + 1) * size),
  );

/** Chats that say each payload as each role. */
const said = chunks(all, IN_A_CHAT).map((part, at) => ({
  uid: `said-${at}`,
  title: `Said ${at}`,
  messages: part.flatMap((content) =>
    (['user', 'assistant', 'system'] as const).map((role) => ({ role, content })),
  ),
}));

/** Chats in which each payload stands in what is around a text: kinds, names, addresses, errors. */
const around = chunks(all, IN_A_CHAT).map((part, at) => ({
  uid: `around-${at}`,
  title: `Around ${at}`,
  messages: part.map((payload) => ({
    role: 'assistant',
    model: payload,
    status: 'error',
    error: { message: payload, kind: 'network', url: payload },
    parts: [
      { type: 'reasoning', text: payload },
      {
        type: 'dynamic-tool',
        toolName: payload,
        toolCallId: payload,
        state: 'output-error',
        input: { [payload]: payload },
        errorText: payload,
      },
      { type: 'file', mediaType: 'image/png', filename: payload, url: payload },
      {
        type: 'file',
        mediaType: payload,
        filename: payload,
        url: dataUrl('image/svg+xml', payload),
      },
      {
        type: 'file',
        mediaType: 'text/html',
        filename: payload,
        url: dataUrl('text/html', payload),
      },
      { type: 'source-url', url: payload, title: payload },
      { type: payload, data: payload },
      { type: 'text', text: payload },
    ],
  })),
}));

/** Chats that are named by a payload, by their title and by their brain. */
const named = all.map((payload, at) => ({
  uid: `named-${at}`,
  title: payload,
  brain: payload.slice(0, 100),
  messages: [],
}));

function dataUrl(type: string, text: string): string {
  return `data:${type};base64,${Buffer.from(text).toString('base64')}`;
}

declare global {
  interface Window {
    ran: string[];
    xss: () => void;
  }
}

/** Notes what runs, in the page and in its frames. */
async function listen(page: Page): Promise<void> {
  await page.addInitScript(() => {
    window.ran = [];
    window.xss = () => window.ran.push(new Error().stack ?? '');
    for (const name of ['alert', 'confirm', 'prompt'] as const) {
      Object.assign(window, { [name]: () => window.xss() });
    }
  });
}

async function importChats(
  page: Page,
  chats: readonly object[],
  name = 'chats.json',
): Promise<void> {
  await page.getByTestId('import-file').setInputFiles({
    name,
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify(chats)),
  });
  const dialog = page.getByTestId('import-dialog');
  await expect(dialog).toHaveAttribute('data-state', 'done');
  await harmless(page, 'body');
  await dialog.getByRole('button', { name: 'Close', exact: true }).click();
  await expect(dialog).toHaveCount(0);
}

/** Does to each element what a reader would, and looks for what could run. */
async function harmless(page: Page, root: string): Promise<void> {
  const found = await page.locator(root).evaluate(async (place) => {
    const wrong: string[] = [];
    const elements = [...place.querySelectorAll('*')];
    for (const element of elements) {
      const name = element.localName;
      const shown = element.outerHTML.slice(0, 200);
      if (/^(script|iframe|frame|object|embed|base|meta|link|style|applet|template)$/.test(name)) {
        wrong.push(`element: ${shown}`);
      }
      for (const { name: attribute, value } of element.attributes) {
        if (/^on/i.test(attribute)) wrong.push(`handler: ${shown}`);
        if (/^(style|srcdoc|formaction|action|ping|srcset|background|poster)$/i.test(attribute)) {
          // The page's own lists place their rows, formulas their signs.
          const placed = !element.closest('.message-text') || element.closest('math');
          if (attribute !== 'style' || !placed || /url|expression|import/i.test(value)) {
            wrong.push(`attribute ${attribute}: ${shown}`);
          }
        }
        if (/^(href|src|xlink:href|data)$/i.test(attribute)) {
          const safe =
            /^(https?:\/\/|mailto:|tel:|#\/|blob:|data:image\/(png|jpeg|gif|webp|avif);|\.?\/)/i;
          if (
            !safe.test(value) &&
            value !== '#' &&
            element.closest('.message-text, .row, .attachment')
          ) {
            wrong.push(`address: ${shown}`);
          }
        }
      }
      if (!element.closest('.message-text, .failure')) continue;
      for (const type of [
        'mouseover',
        'pointerenter',
        'focus',
        'animationstart',
        'toggle',
        'wheel',
      ]) {
        element.dispatchEvent(new Event(type));
      }
      // Opened, as a reader would to see what is folded.
      if (element instanceof HTMLDetailsElement) element.open = true;
    }
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return [...wrong, ...window.ran.map((stack) => `ran: ${stack}`)];
  });
  expect(found).toEqual([]);
}

/** Reads a whole chat, from its beginning to its end: only what is near the view is in the page. */
async function read(page: Page, id: number, title: string): Promise<void> {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, `#/chat/${id}`);
  await expect(page.getByTestId('chat-title')).toHaveText(title);
  await expect(page.locator('[inert]')).toHaveCount(0);
  await expect(page.getByTestId('messages-top')).toContainText('Started');
  await expect(texts(page).first()).toBeAttached();
  const scroller = page.getByTestId('scroller');
  for (let top = 0, below = true; below; top += 3_000) {
    below = await scroller.evaluate(async (element, to) => {
      element.scrollTop = to;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return to + element.clientHeight < element.scrollHeight;
    }, top);
    await harmless(page, '[data-testid="pane"]');
  }
}

for (const bypassCSP of [false, true]) {
  test.describe(bypassCSP ? 'without the policy' : 'with the policy', () => {
    // High, so that much is in the page at once.
    test.use({ bypassCSP, viewport: { width: 1280, height: 4000 } });
    test.setTimeout(600_000);
    test.beforeEach(({ page }) => listen(page));

    test('what is said', async ({ page }) => {
      await open(page);
      await importChats(page, said);
      for (const [at, { title }] of said.entries()) await read(page, at + 1, title);
    });

    test('what is around it', async ({ page }) => {
      await open(page);
      await importChats(page, around);
      for (const [at, { title }] of around.entries()) await read(page, at + 1, title);
    });

    test('names of chats, brains and files, in lists, search and dialogs', async ({ page }) => {
      await open(page);
      await importChats(page, named, payloads.names[0]);
      const list = page.getByTestId('conversations');
      for (let below = true; below; ) {
        await harmless(page, 'body');
        below = await list.evaluate(async (element) => {
          const scroller = element.closest('.list, [data-testid="conversations"]') ?? element;
          const before = scroller.scrollTop;
          scroller.scrollTop += scroller.clientHeight;
          await new Promise((resolve) =>
            requestAnimationFrame(() => requestAnimationFrame(resolve)),
          );
          return scroller.scrollTop > before;
        });
      }
      await page.getByRole('searchbox').or(page.getByTestId('search')).first().fill('xss');
      await expect(page.getByTestId('hit').first()).toBeVisible();
      await harmless(page, 'body');
      // A file that is nothing says so by its name.
      await page.getByTestId('search').fill('');
      await create(page, payloads.html[15] ?? '', payloads.html[0] ?? '');
      await harmless(page, 'body');
      await page.getByTestId('attach-file').setInputFiles(
        payloads.names.map((name) => ({
          name,
          mimeType: name.endsWith('.svg') ? 'image/svg+xml' : 'text/html',
          buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="xss()"/>'),
        })),
      );
      await expect(page.getByTestId('attachments').getByTestId('attachment')).toHaveCount(
        payloads.names.length,
      );
      await harmless(page, 'body');
      await composer(page).fill(payloads.svg[0] ?? '');
      await composer(page).press('Enter');
      await saved(page);
      await harmless(page, 'body');
      await page.reload();
      await ready(page);
      await expect(page.getByTestId('attachment')).toHaveCount(payloads.names.length);
      await harmless(page, 'body');
    });
  });
}
