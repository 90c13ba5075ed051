/**
 * What the tests of the page share: what is on it, and what a reader does to get somewhere.
 */

import {
  type BrowserContext,
  type ConsoleMessage,
  expect,
  type JSHandle,
  type Locator,
  type Page,
  test,
} from '@playwright/test';

/** Rules broken by the page: errors in the console, exceptions, requests to elsewhere. */
export const faults = new Map<Page, string[]>();

/** Hosts beside the page's own that it may ask: those that a reader has saved in it. */
export const allowed = new Set<string>();

/** Takes away faults that a test has brought about. Fails if there are none. */
export function forgive(page: Page, what: RegExp): void {
  const found = faults.get(page) ?? [];
  const rest = found.filter((fault) => !what.test(fault));
  expect(rest.length, `${found}`).toBeLessThan(found.length);
  // The same array: more may come.
  found.splice(0, found.length, ...rest);
}

function watch(page: Page): void {
  const found: string[] = [];
  faults.set(page, found);
  page.on('console', (message: ConsoleMessage) => {
    // The runner's own word where a test does without.
    if (message.text() === 'Service Worker registration blocked by Playwright') return;
    if (message.type() === 'error' || message.type() === 'warning') found.push(message.text());
  });
  page.on('pageerror', (error) => found.push(String(error)));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol === 'blob:' || url.protocol === 'data:') return;
    if (allowed.has(url.host)) return;
    if (url.host !== new URL(page.url()).host && page.url() !== 'about:blank') {
      found.push(`request to ${url.href}`);
    }
  });
}

/** To be called once by a file of tests: none of them may end with a rule broken. */
export function guard(): void {
  test.beforeEach(({ page }) => {
    faults.clear();
    allowed.clear();
    watch(page);
  });
  test.afterEach(() => {
    expect([...faults.values()].flat()).toEqual([]);
  });
}

export const rows = (page: Page) => page.getByTestId('conversation');
export const titles = (page: Page) => page.getByTestId('row-title');
export const texts = (page: Page) => page.getByTestId('message-text');
export const composer = (page: Page) => page.getByTestId('composer');
export const toast = (page: Page) => page.getByTestId('toast');

/** Opens the page and waits until the list has been read. */
export async function open(page: Page, hash = ''): Promise<void> {
  await page.goto(`/${hash}`);
  await ready(page);
}

export async function ready(page: Page): Promise<void> {
  await expect(page.getByTestId('conversations')).toHaveAttribute('aria-busy', 'false');
}

/** Another tab or window, beside those that are open. */
export async function another(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  watch(page);
  return page;
}

/** Makes an empty chat and leaves it open; one that nobody answers, unless another brain is asked for. */
export async function create(page: Page, title: string, brain = 'claude'): Promise<void> {
  await page.goto('/#/new');
  await chooseBrain(page, 'new-brain', brain);
  await page.getByTestId('new-more').click();
  await page.getByTestId('new-title').fill(title);
  await page.getByTestId('create').click();
  await opened(page, title);
}

/** Chooses who answers: one that is offered, or else another name. */
export async function chooseBrain(page: Page, picker: string, brain: string): Promise<void> {
  const select = page.getByTestId(picker);
  await select.focus();
  const offered = await select
    .locator('option')
    .evaluateAll((all) => all.map((o) => o.textContent));
  if (offered.includes(brain)) {
    await select.selectOption({ label: brain });
    return;
  }
  await page.getByTestId(`${picker}-more`).click();
  await page.getByRole('menuitem', { name: 'Another name…' }).click();
  await page.getByTestId('brain-name').fill(brain);
  await page.getByTestId('brain-name').press('Enter');
  await expect(select).toHaveValue(`is:${brain}`);
}

/** Has what is written next be said by somebody else. */
export async function writeAs(page: Page, name: 'You' | 'Assistant' | 'System'): Promise<void> {
  await page.getByTestId('role').selectOption({ label: name });
}

/** Waits until a chat is on show and has the focus: its title is there a moment before. */
async function opened(page: Page, title: string): Promise<void> {
  await expect(page.getByTestId('chat-title')).toHaveText(title);
  await expect(page.locator('[inert]')).toHaveCount(0);
}

/** Opens a chat from the list. */
export async function choose(page: Page, title: string): Promise<void> {
  await rows(page).filter({ hasText: title }).click();
  await opened(page, title);
}

export async function say(page: Page, text: string): Promise<void> {
  const count = await texts(page).count();
  await composer(page).fill(text);
  await composer(page).press('Enter');
  await expect(texts(page)).toHaveCount(count + 1);
  await saved(page);
}

/** Waits until nothing on show is still being saved. */
export async function saved(page: Page): Promise<void> {
  await expect(page.locator('[data-testid="message"][aria-busy]')).toHaveCount(0);
}

/** Sends many messages through the composer's own events, without a round trip for each key. */
export async function sayMany(page: Page, lines: string[]): Promise<void> {
  for (let from = 0; from < lines.length; from += 25) {
    const part = lines.slice(from, from + 25);
    await composer(page).evaluate((field: HTMLTextAreaElement, all: string[]) => {
      for (const line of all) {
        field.value = line;
        field.dispatchEvent(new Event('input', { bubbles: true }));
        field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
      }
    }, part);
    // Of many messages only those near the view are in the page.
    await expect(texts(page).last()).toHaveText((part.at(-1) ?? '').trim());
    await saved(page);
  }
}

/** In the page: resolves once something holds, looked at with each change of the document. */
export function untilIn(page: Page): Promise<JSHandle<(holds: () => boolean) => Promise<void>>> {
  return page.evaluateHandle(
    () => (holds: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!holds()) return;
          observer.disconnect();
          resolve();
        };
        const observer = new MutationObserver(look);
        const all = { subtree: true, childList: true, characterData: true, attributes: true };
        observer.observe(document, all);
        look();
      }),
  );
}

/** Makes many empty chats as `create` does, without a round trip for each step. */
export async function createMany(page: Page, names: string[]): Promise<void> {
  const given = { until: await untilIn(page), names };
  await page.evaluate(async ({ until, names }) => {
    const find = (id: string) => document.querySelector<HTMLElement>(`[data-testid="${id}"]`);
    for (const name of names) {
      location.hash = '#/new';
      await until(() => find('new-title') !== null);
      (find('new-title') as HTMLInputElement).value = name;
      const brain = find('new-brain') as HTMLSelectElement;
      brain.value = 'is:claude';
      brain.dispatchEvent(new Event('change'));
      find('create')?.click();
      await until(() => find('chat-title')?.textContent === name);
    }
  }, given);
}

export async function rowAction(
  page: Page,
  title: string,
  action: 'Rename' | 'Pin' | 'Unpin' | 'Archive' | 'Take out of the archive' | 'Delete',
): Promise<void> {
  const row = rows(page).filter({ hasText: title });
  await row.hover();
  await row.getByTestId('row-menu').click();
  await page.getByTestId('menu').getByRole('menuitem', { name: action, exact: true }).click();
}

/** The texts of all rows of a long list, of which only those near the view are in the page: one scrolls down. */
export async function passDown(scroller: Locator, rowTestId: string): Promise<string[]> {
  return scroller.evaluate(async (element, testId) => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const seen = new Set<Element>();
    element.scrollTop = 0;
    for (;;) {
      await frame();
      await frame();
      const { bottom } = element.getBoundingClientRect();
      for (const row of element.querySelectorAll(`[data-testid="${testId}"]`)) {
        if (row.getBoundingClientRect().top < bottom) seen.add(row);
      }
      const before = element.scrollTop;
      element.scrollTop += element.clientHeight / 2;
      if (element.scrollTop <= before) return [...seen].map((row) => row.textContent ?? '');
    }
  }, rowTestId);
}
