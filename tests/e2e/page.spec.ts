// The page in a real browser on real OPFS: what a reader does with it, by pointer and by keyboard.
// Each test has a browser context of its own, and so an empty store. Nothing here waits for time to
// pass: what is waited for is always something on the page.

import { type BrowserContext, expect, type Locator, type Page, test } from '@playwright/test';
import { profile } from './browser.js';
import {
  another,
  choose,
  chooseBrain,
  composer,
  create,
  createMany,
  faults,
  guard,
  open,
  passDown,
  ready,
  rowAction,
  rows,
  saved,
  say,
  sayMany,
  texts,
  titles,
  toast,
  untilIn,
  writeAs,
} from './page.js';

guard();

test.describe('chats', () => {
  test('an empty store says so and offers a start', async ({ page }) => {
    await open(page);
    await expect(page.getByTestId('list-note')).toContainText('No chats yet');
    await page.getByRole('link', { name: 'Start the first one' }).click();
    await expect(page.getByTestId('new-chat')).toBeVisible();
  });

  test('Korean and emoji are there after a reload, and so is the open chat', async ({ page }) => {
    const lines = ['안녕하세요, 서울은 지금 비가 와요 ☔', '👨‍👩‍👧‍👦 가족 🇰🇷', 'ﬁ é é ‏עברית'];
    await open(page, '#/new');
    await chooseBrain(page, 'new-brain', 'claude');
    await composer(page).fill(lines[0] ?? '');
    await composer(page).press('Enter');
    await expect(page.getByTestId('chat-title')).toHaveText(lines[0] ?? '');
    // The chat is on show a moment before its first message is.
    await expect(texts(page)).toHaveCount(1);
    await say(page, lines[1] ?? '');
    await writeAs(page, 'Assistant');
    await say(page, lines[2] ?? '');
    await expect(texts(page)).toHaveText(lines);

    const address = page.url();
    await page.reload();
    await ready(page);
    expect(page.url()).toBe(address);
    await expect(texts(page)).toHaveText(lines);
    await expect(titles(page)).toHaveText([lines[0] ?? '']);
    await expect(page.getByTestId('message').nth(2)).toHaveAttribute('data-role', 'assistant');
    await expect(texts(page).first()).toHaveAttribute('lang', 'ko');
  });

  test('they are there after the browser was killed', async ({ baseURL }) => {
    const { launch, remove } = await profile();
    try {
      const context = await launch(baseURL);
      const page = context.pages()[0] ?? (await context.newPage());
      await page.goto('/');
      await create(page, '죽어도 남는 대화 🪦');
      await say(page, '저장됐나요? 🌱');
      const closed = new Promise((resolve) => context.on('close', resolve));
      const session = await context.newCDPSession(page);
      // Its own answer never comes.
      session.send('Browser.crash' as 'Browser.close').catch(() => {});
      await closed;

      const again = await launch(baseURL);
      const reopened = again.pages()[0] ?? (await again.newPage());
      await reopened.goto('/');
      await expect(titles(reopened)).toHaveText(['죽어도 남는 대화 🪦']);
      await titles(reopened).click();
      await expect(texts(reopened)).toHaveText(['저장됐나요? 🌱']);
      await again.close();
    } finally {
      await remove();
    }
  });

  test('text is text, whatever it looks like', async ({ page }) => {
    const markup = '<img src=x onerror="document.title=1"><b>bold</b> & "quoted" \'; DROP TABLE x';
    await create(page, markup, '<i>brain</i>');
    await say(page, markup);
    await page.reload();
    await expect(texts(page)).toHaveText([markup]);
    await expect(titles(page)).toHaveText([markup]);
    await expect(page.getByTestId('row-brain')).toHaveText(['<i>brain</i>']);
    await expect(page.locator('#root img, #root b')).toHaveCount(0);
  });

  test('rename, in the list and in the chat', async ({ page }) => {
    await create(page, 'First name');
    await rowAction(page, 'First name', 'Rename');
    const field = page.getByTestId('inline-edit');
    await expect(field).toBeFocused();
    await field.fill('두 번째 이름');
    await field.press('Enter');
    await expect(titles(page)).toHaveText(['두 번째 이름']);
    await expect(page.getByTestId('chat-title')).toHaveText('두 번째 이름');

    await page.getByTestId('chat-rename').click();
    await field.fill('never mind');
    await field.press('Escape');
    await expect(page.getByTestId('chat-title')).toHaveText('두 번째 이름');
    await page.getByTestId('chat-rename').click();
    await field.fill('Third name');
    await field.blur();
    await expect(titles(page)).toHaveText(['Third name']);

    await page.reload();
    await expect(titles(page)).toHaveText(['Third name']);
  });

  test('the newest chat stands first, and drafts stay with their chats', async ({ page }) => {
    await create(page, 'One');
    await create(page, 'Two');
    await composer(page).fill('for two, not sent');
    await rows(page).filter({ hasText: 'One' }).click();
    await expect(page.getByTestId('chat-title')).toHaveText('One');
    await expect(composer(page)).toHaveValue('');
    await say(page, 'hello');
    await expect(titles(page)).toHaveText(['One', 'Two']);
    await rows(page).filter({ hasText: 'Two' }).click();
    await expect(composer(page)).toHaveValue('for two, not sent');
    await page.reload();
    await expect(composer(page)).toHaveValue('for two, not sent');
  });

  test('the filter shows the chats of one brain', async ({ page }) => {
    await create(page, 'A', 'claude');
    await create(page, 'B', 'gpt');
    await create(page, 'C', '브레인 "x"');
    await expect(titles(page)).toHaveText(['C', 'B', 'A']);
    const filter = page.getByRole('combobox', { name: 'Brain' });
    await filter.selectOption('gpt');
    await expect(titles(page)).toHaveText(['B']);
    await filter.selectOption('브레인 "x"');
    await expect(titles(page)).toHaveText(['C']);
    // What was just made is never hidden by the filter.
    await create(page, 'D', 'claude');
    await expect(titles(page)).toHaveText(['D', 'C', 'B', 'A']);
    await page.reload();
    await ready(page);
    await expect(filter.locator('option')).toHaveText(['All', 'claude', 'gpt', '브레인 "x"']);
  });

  test('a new chat comes into sight in a list that was scrolled', async ({ page }) => {
    await open(page);
    await createMany(
      page,
      Array.from({ length: 25 }, (_, at) => `Chat ${at}`),
    );
    const scroller = page.getByTestId('list-scroller');
    await scroller.evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await expect(rows(page).first()).not.toBeInViewport();
    await create(page, 'The new one');
    await expect(rows(page).filter({ hasText: 'The new one' })).toBeInViewport();
  });

  test('the list goes on as one scrolls down', async ({ page }) => {
    const names = Array.from({ length: 140 }, (_, index) => `Chat ${index}`);
    await open(page);
    await createMany(page, names);
    await page.reload();
    await ready(page);
    const oldest = rows(page).filter({ hasText: /^Chat 0/ });
    await titles(page).first().click();
    await page.keyboard.press('End');
    while ((await oldest.count()) === 0) {
      await page.getByTestId('list-scroller').evaluate((element) => {
        element.scrollTop = element.scrollHeight;
      });
    }
    const shown = await passDown(page.getByTestId('list-scroller'), 'row-title');
    expect(shown).toEqual(names.toReversed());
    // Only those near the view are in the page.
    expect(await rows(page).count()).toBeLessThan(100);
  });
});

test.describe('deleting', () => {
  const trashed = (page: Page) => page.getByTestId('trashed');

  test('undo brings the chat back, also after a reload', async ({ page }) => {
    await create(page, 'Keep me');
    await say(page, 'a message');
    await page.getByTestId('chat-delete').click();
    await expect(rows(page)).toHaveCount(0);
    await toast(page).getByRole('button', { name: 'Undo' }).click();
    await expect(titles(page)).toHaveText(['Keep me']);
    await expect(texts(page)).toHaveText(['a message']);
    await page.reload();
    await ready(page);
    await expect(texts(page)).toHaveText(['a message']);
  });

  test('it is in the trash when the note has lapsed, and can be restored', async ({ page }) => {
    await page.clock.install();
    await create(page, 'Keep me');
    await create(page, 'Delete me');
    await say(page, 'a message');
    const address = page.url();
    await page.getByTestId('chat-delete').click();
    await expect(titles(page)).toHaveText(['Keep me']);
    await page.mouse.move(0, 0);
    await page.clock.runFor(8_000);
    await expect(toast(page)).toHaveCount(0);
    await page.reload();
    await ready(page);
    await expect(titles(page)).toHaveText(['Keep me']);

    // By its address: it says where it is.
    await page.goto(address);
    await expect(page.getByTestId('note')).toContainText('This chat is in the trash');
    await page.getByTestId('open-trash').click();
    await expect(trashed(page)).toHaveCount(1);
    await expect(trashed(page)).toContainText('1 message');
    await page.getByRole('button', { name: 'Restore “Delete me”' }).click();
    await expect(page.getByTestId('trash-note')).toContainText('The trash is empty');
    await expect(page.getByRole('heading', { name: 'Trash', exact: true })).toBeFocused();
    await expect(titles(page)).toHaveText(['Delete me', 'Keep me']);
    await choose(page, 'Delete me');
    await expect(texts(page)).toHaveText(['a message']);
  });

  test('for good, one chat and then all, when that is confirmed', async ({ page }) => {
    for (const title of ['Keep me', 'One', 'Two', 'Three']) await create(page, title);
    for (const title of ['One', 'Two', 'Three']) {
      await rowAction(page, title, 'Delete');
      await expect(rows(page).filter({ hasText: title })).toHaveCount(0);
    }
    await page.getByTestId('open-trash').click();
    await expect(trashed(page)).toHaveCount(3);
    const question = page.getByTestId('question');
    const two = page.getByRole('button', { name: 'Delete “Two” for good' });
    await two.click();
    await question.getByRole('button', { name: 'Cancel' }).click();
    await expect(trashed(page)).toHaveCount(3);
    await two.click();
    await question.getByRole('button', { name: 'Delete for good' }).click();
    await expect(trashed(page)).toHaveCount(2);
    await page.getByTestId('empty-trash').click();
    await question.getByRole('button', { name: 'Empty the trash' }).click();
    await expect(page.getByTestId('trash-note')).toContainText('The trash is empty');
    await page.reload();
    await expect(page.getByTestId('trash-note')).toContainText('The trash is empty');
    await expect(titles(page)).toHaveText(['Keep me']);
  });

  test('it is in the trash when the tab was closed with the note on show', async ({
    page,
    context,
  }) => {
    await create(page, 'Keep me');
    await create(page, 'Delete me');
    await rowAction(page, 'Delete me', 'Delete');
    await expect(toast(page)).toBeVisible();
    await page.close();
    const next = await another(context);
    await open(next, '#/trash');
    await expect(titles(next)).toHaveText(['Keep me']);
    await expect(trashed(next)).toContainText('Delete me');
  });
});

test.describe('messages', () => {
  test('older ones are read as one scrolls up, and nothing jumps', async ({ page }) => {
    const lines = Array.from(
      { length: 300 },
      (_, index) => `Message ${index} ${'word '.repeat(index % 40)}`,
    );
    await create(page, 'Long');
    await sayMany(page, lines);
    await page.reload();
    await expect(texts(page)).toHaveCount(50);
    await expect(texts(page).last()).toContainText('Message 299');
    await expect(texts(page).last()).toBeInViewport();

    const scroller = page.getByTestId('scroller');
    const moved = await scroller.evaluate(async (element) => {
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const isWhole = () =>
        element.querySelector('[data-testid="messages-top"]')?.textContent?.includes('Started');
      let worst = 0;
      for (;;) {
        element.scrollTop = 0;
        await frame();
        await frame();
        if (element.scrollTop === 0 && isWhole()) return worst;
        const { top } = element.getBoundingClientRect();
        const first = [...element.querySelectorAll('[data-testid="message"]')].find(
          (message) => message.getBoundingClientRect().bottom > top,
        );
        if (!first) throw new Error('no message');
        const before = first.getBoundingClientRect().top;
        while (element.scrollTop === 0 && !isWhole()) await frame();
        worst = Math.max(worst, Math.abs(first.getBoundingClientRect().top - before));
      }
    });
    expect(moved).toBeLessThanOrEqual(1);
    const shown = await passDown(scroller, 'message-text');
    expect(shown).toEqual(lines);
    expect(await texts(page).count()).toBeLessThan(100);
    await scroller.evaluate((element) => {
      element.scrollTop = 0;
    });
    await expect(page.getByTestId('messages-top')).toContainText('Started');
  });

  test('what was far from the view is read again when one comes back to it', async ({ page }) => {
    await open(page);
    const messages = Array.from({ length: 700 }, (_, n) => ({
      role: n % 2 ? 'assistant' : 'user',
      content: `Message ${n}`,
    }));
    await page.getByTestId('import-file').setInputFiles({
      name: 'long.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify([{ title: 'Long', messages }])),
    });
    await page.getByTestId('import-dialog').getByRole('button', { name: 'Close' }).click();
    await choose(page, 'Long');
    const scroller = page.getByTestId('scroller');
    const toTop = () =>
      scroller.evaluate(async (element) => {
        const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
        const isWhole = () =>
          element.querySelector('[data-testid="messages-top"]')?.textContent?.includes('Started');
        do {
          element.scrollTop = 0;
          await frame();
        } while (element.scrollTop > 0 || !isWhole());
      });
    await toTop();
    await expect(texts(page).first()).toHaveText('Message 0');
    await page.getByTestId('to-end').click();
    await expect(texts(page).last()).toHaveText('Message 699');
    await toTop();
    await expect(texts(page).first()).toHaveText('Message 0');
    await expect(texts(page).first()).toBeInViewport();
    // That nothing was thrown is held by the guard of each test.
  });

  test('a message of a megabyte is clipped, kept whole and shown whole on demand', async ({
    page,
  }) => {
    const long = `${'가나다라마바사 아자차카타파하. '.repeat(32_000)}끝`;
    await create(page, 'Big');
    await composer(page).evaluate((field: HTMLTextAreaElement, text: string) => {
      field.value = text;
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }, long);
    await composer(page).press('Enter');
    await saved(page);
    await expect(texts(page)).toHaveCount(1);
    expect((await texts(page).first().textContent())?.length).toBeLessThan(10_000);
    await page.reload();
    await page.getByTestId('show-all').click();
    await expect
      .poll(async () => (await texts(page).first().textContent())?.length)
      .toBe(long.length);
    expect(await texts(page).first().textContent()).toBe(long);
  });

  test('Enter sends, Shift+Enter does not, nor does an input method at work', async ({ page }) => {
    await create(page, '한글');
    await composer(page).pressSequentially('one');
    await composer(page).press('Shift+Enter');
    await composer(page).pressSequentially('two');
    await expect(texts(page)).toHaveCount(0);
    await composer(page).press('Enter');
    await expect(texts(page)).toHaveText(['one\ntwo'], { useInnerText: true });
    await expect(composer(page)).toHaveValue('');

    const input = await page.context().newCDPSession(page);
    await input.send('Input.imeSetComposition', { text: '한', selectionStart: 1, selectionEnd: 1 });
    await expect(composer(page)).toHaveValue('한');
    await composer(page).dispatchEvent('keydown', { key: 'Enter', isComposing: true });
    // Safari's way: the composition has ended, but the key was the input method's.
    await composer(page).dispatchEvent('keydown', { key: 'Enter', keyCode: 229 });
    await expect(composer(page)).toHaveValue('한');
    await expect(texts(page)).toHaveCount(1);
    await input.send('Input.insertText', { text: '한글' });
    await composer(page).press('Enter');
    await expect(texts(page).last()).toHaveText('한글');
  });

  test('the field grows with what is written, up to a limit', async ({ page }) => {
    await create(page, 'Tall');
    const height = async () => (await composer(page).boundingBox())?.height ?? 0;
    const one = await height();
    await composer(page).fill('1\n2\n3\n4');
    const four = await height();
    expect(four).toBeGreaterThan(one + 40);
    await composer(page).fill('line\n'.repeat(500));
    expect(await height()).toBeLessThan((page.viewportSize()?.height ?? 0) / 2);
    await composer(page).press('Enter');
    expect(await height()).toBe(one);
  });
});

test('everything by keyboard alone', async ({ page }) => {
  await open(page);
  const focused = page.locator(':focus');
  const name = () => focused.evaluate((element) => element.ariaLabel ?? element.textContent);

  await page.keyboard.press('Tab');
  await expect(focused).toHaveText('Skip to the chat');
  await page.keyboard.press('Tab');
  await expect(focused).toHaveText('New');
  await page.keyboard.press('Enter');
  await expect(composer(page)).toBeFocused();
  // A brain that does not answer by itself.
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.type('claude');
  await expect(page.getByTestId('new-brain')).toHaveValue('is:claude');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.type('First chat');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('chat-title')).toHaveText('First chat');
  await expect(composer(page)).toBeFocused();

  // The role, by Tab and arrows.
  await page.keyboard.type('an answer');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Tab');
  await expect(page.getByTestId('send')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('message').last()).toHaveAttribute('data-role', 'assistant');
  await saved(page);

  // To the list and through it.
  await create(page, 'Second chat');
  await page.keyboard.press('Escape');
  await expect(focused).toContainText('Second chat');
  await page.keyboard.press('ArrowDown');
  await expect(focused).toContainText('First chat');
  await page.keyboard.press('ArrowDown');
  await expect(focused).toContainText('First chat');
  await page.keyboard.press('Home');
  await expect(focused).toContainText('Second chat');
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('chat-title')).toHaveText('First chat');
  await expect(composer(page)).toBeFocused();

  // Rename with F2; the focus is back where it was.
  await page.keyboard.press('Escape');
  await page.keyboard.press('F2');
  await page.keyboard.type('Renamed');
  await page.keyboard.press('Enter');
  await expect(titles(page)).toHaveText(['Second chat', 'Renamed']);
  await expect(focused).toContainText('Renamed');

  // The row's own actions, by Tab.
  await page.keyboard.press('Tab');
  expect(await name()).toBe('Actions for “Renamed”');
  await page.keyboard.press('Enter');
  await expect(focused).toHaveText('Rename');
  await page.keyboard.press('ArrowDown');
  await expect(focused).toHaveText('Pin');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('group')).toHaveText(['Pinned', 'Today']);
  await expect(titles(page)).toHaveText(['Renamed', 'Second chat']);
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('menu')).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(titles(page)).toHaveText(['Second chat', 'Renamed']);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  expect(await name()).toBe('Actions for “Renamed”');
  await page.keyboard.press('Shift+Tab');

  // Delete with Delete, back with Control+Z.
  await page.keyboard.press('Delete');
  await expect(titles(page)).toHaveText(['Second chat']);
  await expect(focused).toContainText('Second chat');
  await page.keyboard.press('Control+z');
  await expect(titles(page)).toHaveText(['Second chat', 'Renamed']);

  // The storage panel opens and closes, and gives the focus back.
  await page.getByTestId('storage').focus();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('storage-panel')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('storage-panel')).toBeHidden();
  await expect(page.getByTestId('storage')).toBeFocused();
});

test.describe('two windows side by side', () => {
  /** A second window, on the chat that the first one shows. */
  async function beside(page: Page): Promise<Page> {
    const second = await another(page.context());
    await open(second, new URL(page.url()).hash);
    return second;
  }

  /** Sends 30 messages, each when nothing is being saved. */
  async function chatter(tab: Page, number: number): Promise<void> {
    await composer(tab).evaluate(async (field: HTMLTextAreaElement, number) => {
      const list = document.querySelector('[data-testid="messages"]') as Element;
      for (let n = 0; n < 30; n += 1) {
        field.value = `${number}: ${n}`;
        field.dispatchEvent(new Event('input', { bubbles: true }));
        field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
        await new Promise<void>((resolve) => {
          new MutationObserver((_, observer) => {
            if (list.querySelector('[aria-busy]')) return;
            observer.disconnect();
            resolve();
          }).observe(list, { attributes: true, subtree: true });
        });
      }
    }, number);
  }

  /** A tab of the same origin in which the page does not run. */
  async function stranger(context: BrowserContext): Promise<Page> {
    const tab = await context.newPage();
    await tab.route('**/stranger', (route) =>
      route.fulfill({ contentType: 'text/html', body: '' }),
    );
    await tab.goto('/stranger');
    // A tab behind another one is slow to draw, and so to be clicked in.
    await context.pages()[0]?.bringToFront();
    return tab;
  }

  test('the second opens at once; the list is the same in both', async ({ page }) => {
    await create(page, 'One', 'claude');
    const second = await beside(page);
    await expect(titles(second)).toHaveText(['One']);
    await create(second, 'Two', 'gpt');
    await expect(titles(page)).toHaveText(['Two', 'One']);
    await create(page, 'Three', 'claude');
    await expect(titles(second)).toHaveText(['Three', 'Two', 'One']);

    // What is written moves its chat up, from either side.
    await choose(second, 'One');
    await say(second, 'hello');
    await expect(titles(page)).toHaveText(['One', 'Three', 'Two']);
    await choose(page, 'Two');
    await say(page, 'hello');
    await expect(titles(second)).toHaveText(['Two', 'One', 'Three']);

    // The filter knows the other's brains, and what it leaves out stays out.
    const filter = second.getByRole('combobox', { name: 'Brain' });
    await expect(filter.locator('option')).toHaveText(['All', 'claude', 'gpt']);
    await filter.selectOption('claude');
    await expect(titles(second)).toHaveText(['One', 'Three']);
    await create(page, 'Four', 'gpt');
    await create(page, 'Five', 'claude');
    await expect(titles(second)).toHaveText(['Five', 'One', 'Three']);
    await chooseBrain(page, 'chat-brain', '브레인');
    await expect(titles(second)).toHaveText(['One', 'Three']);
    await expect(filter.locator('option')).toHaveText(['All', 'claude', 'gpt', '브레인']);
    await expect(filter).toHaveValue('claude');

    await rowAction(page, 'Three', 'Rename');
    await page.getByTestId('inline-edit').fill('Thirty');
    await page.getByTestId('inline-edit').press('Enter');
    await expect(titles(second)).toHaveText(['One', 'Thirty']);
    await rowAction(second, 'Thirty', 'Delete');
    await expect(titles(page)).toHaveText(['Five', 'Four', 'Two', 'One']);
    await page.reload();
    await expect(titles(page)).toHaveText(['Five', 'Four', 'Two', 'One']);
  });

  test('the open chat is the same in both', async ({ page }) => {
    await create(page, 'Shared');
    const second = await beside(page);
    await say(page, 'from the first');
    await expect(texts(second)).toHaveText(['from the first']);
    await expect(second.getByTestId('announcements')).toHaveText('You: from the first');
    await say(second, 'from the second');
    await expect(texts(page)).toHaveText(['from the first', 'from the second']);

    // At the same time, each message as soon as the one before is saved.
    await Promise.all([page, second].map((tab, number) => chatter(tab, number)));
    for (const tab of [page, second]) await expect(texts(tab)).toHaveCount(62);
    const third = await beside(page);
    await expect(texts(third)).toHaveCount(50);
    const newest = await texts(third).allTextContents();
    for (const tab of [page, second]) {
      await expect
        .poll(async () => (await texts(tab).allTextContents()).slice(-50))
        .toEqual(newest);
    }

    await page.getByTestId('chat-rename').click();
    await page.getByTestId('inline-edit').fill('새 제목');
    await page.getByTestId('inline-edit').press('Enter');
    await chooseBrain(page, 'chat-brain', 'gpt');
    await expect(second.getByTestId('chat-title')).toHaveText('새 제목');
    await expect(second.getByTestId('chat-brain')).toHaveValue('is:gpt');
    await expect(second).toHaveTitle('새 제목 · Chats');
  });

  test('a chat that one has left does not come back when it is changed elsewhere', async ({
    page,
  }) => {
    await create(page, 'Left');
    const second = await beside(page);
    // Pinned and unpinned without a pause.
    const changed = second.evaluate(async () => {
      const find = (css: string) => document.querySelector<HTMLElement>(css);
      let changes = 0;
      while (document.body.dataset.enough === undefined) {
        const row = find('[data-testid="conversation"]') as HTMLElement;
        const toggled = new Promise<void>((resolve) => {
          const observer = new MutationObserver(() => {
            observer.disconnect();
            resolve();
          });
          observer.observe(row, { attributeFilter: ['data-pinned'] });
        });
        find('[data-testid="row-menu"]')?.click();
        find('[data-testid="menu"] [role="menuitem"]:nth-child(2)')?.click();
        await toggled;
        changes += 1;
      }
      return changes;
    });
    const inPage = { until: await untilIn(page), chat: new URL(page.url()).hash };
    const stayed = await page.evaluate(async ({ until, chat }) => {
      const find = (id: string) => document.querySelector<HTMLElement>(`[data-testid="${id}"]`);
      const isPinned = () => find('conversation')?.hasAttribute('data-pinned') ?? false;
      let stayed = 0;
      for (let n = 0; n < 60; n += 1) {
        location.hash = chat;
        await until(() => find('chat-title') !== null && !document.querySelector('[inert]'));
        location.hash = '#/new';
        await until(() => find('new-title') !== null);
        // What is told meanwhile, and was told before, has been dealt with.
        for (let told = 0; told < 2; told += 1) {
          const before = isPinned();
          await until(() => isPinned() !== before);
        }
        if (find('new-title') !== null && find('chat-title') === null) stayed += 1;
      }
      return stayed;
    }, inPage);
    await second.evaluate(() => {
      document.body.dataset.enough = '';
    });
    expect(await changed).toBeGreaterThan(60);
    expect(stayed).toBe(60);
  });

  test('new messages come into sight at the end, and move nothing elsewhere', async ({ page }) => {
    await create(page, 'Long');
    await sayMany(
      page,
      Array.from({ length: 60 }, (_, index) => `Message ${index} ${'word '.repeat(index % 30)}`),
    );
    const second = await beside(page);
    await say(page, 'seen at once');
    await expect(texts(second).last()).toHaveText('seen at once');
    await expect(texts(second).last()).toBeInViewport();
    const toEnd = second.getByTestId('to-end');
    await expect(toEnd).toBeHidden();

    const scroller = second.getByTestId('scroller');
    const place = () =>
      texts(second)
        .filter({ hasText: /^Message 30 / })
        .evaluate((element) => element.getBoundingClientRect().top);
    await texts(second)
      .filter({ hasText: /^Message 30 / })
      .evaluate((element) => element.scrollIntoView({ block: 'center' }));
    await expect(toEnd).toHaveAccessibleName('Go to the newest message');
    await expect(toEnd.getByText('New messages')).toBeHidden();
    const before = await place();
    await say(page, 'one more');
    await say(page, 'and another');
    await expect(texts(second).last()).toHaveText('and another');
    await expect(toEnd.getByText('New messages')).toBeVisible();
    expect(await place()).toBe(before);
    await toEnd.click();
    await expect(texts(second).last()).toBeInViewport();
    await expect(scroller).toBeFocused();
    await expect(toEnd).toBeHidden();
    await say(page, 'at the end again');
    await expect(texts(second).last()).toHaveText('at the end again');
    await expect(texts(second).last()).toBeInViewport();
  });

  test('a draft and an edit under way stay as they are, with the focus', async ({ page }) => {
    await create(page, 'First');
    await create(page, 'Second');
    await create(page, 'Third');
    const second = await beside(page);
    await choose(second, 'First');
    await composer(second).fill('half a sent');
    const write = async (title: string) => {
      await choose(page, title);
      await say(page, `in ${title}`);
    };
    await write('First');
    await expect(texts(second)).toHaveText(['in First']);
    await expect(composer(second)).toBeFocused();
    await second.keyboard.type('ence');
    await expect(composer(second)).toHaveValue('half a sentence');

    // In the list, while the row itself goes to the top.
    await rowAction(second, 'Second', 'Rename');
    const field = second.getByTestId('inline-edit');
    await field.fill('Sec');
    await write('Second');
    await write('Third');
    await write('Second');
    await expect(second.getByTestId('row-title').last()).toHaveText('First');
    await expect(rows(second).first().getByTestId('inline-edit')).toHaveCount(1);
    await expect(field).toBeFocused();
    await second.keyboard.type('onds');
    await field.press('Enter');
    await expect(titles(page)).toHaveText(['Seconds', 'Third', 'First']);

    // In the head of the chat, while it is renamed elsewhere.
    await second.getByTestId('chat-rename').click();
    await field.fill('Fir');
    await rowAction(page, 'First', 'Rename');
    await page.getByTestId('inline-edit').fill('Other');
    await page.getByTestId('inline-edit').press('Enter');
    await expect(titles(second)).toHaveText(['Seconds', 'Third', 'Other']);
    await expect(field).toBeFocused();
    await expect(field).toHaveValue('Fir');
    await field.press('Escape');
    await expect(second.getByTestId('chat-title')).toHaveText('Other');
    await expect(composer(second)).toHaveValue('half a sentence');
  });

  test('a chat that is deleted in the other says so, and comes back with Undo', async ({
    page,
  }) => {
    await create(page, 'Keep me');
    await create(page, 'Delete me');
    await say(page, 'a message');
    const second = await beside(page);
    await composer(second).fill('not sent');
    const undo = toast(page).getByRole('button', { name: 'Undo' });
    const note = second.getByTestId('note');

    await page.getByTestId('chat-delete').click();
    await expect(note).toContainText('This chat is in the trash');
    await expect(note).toContainText('not sent');
    await expect(titles(second)).toHaveText(['Keep me']);
    await expect(second.getByTestId('announcements')).toContainText('deleted in another tab');
    const third = await another(page.context());
    await open(third, '#/trash');
    await expect(titles(third)).toHaveText(['Keep me']);
    await expect(third.getByTestId('trashed')).toContainText('Delete me');

    await undo.click();
    for (const tab of [page, second, third]) {
      await expect(titles(tab)).toHaveText(['Delete me', 'Keep me']);
    }
    await expect(third.getByTestId('trashed')).toHaveCount(0);
    await expect(texts(second)).toHaveText(['a message']);
    await expect(composer(second)).toHaveValue('not sent');

    // Restored from where it was on show.
    await rowAction(third, 'Delete me', 'Delete');
    await expect(page.getByTestId('note')).toContainText('This chat is in the trash');
    await note.getByRole('button', { name: 'Restore it' }).click();
    await expect(texts(page)).toHaveText(['a message']);
    await expect(texts(second)).toHaveText(['a message']);

    // For good.
    await rowAction(third, 'Delete me', 'Delete');
    await third.getByTestId('empty-trash').click();
    await third.getByTestId('question').getByRole('button', { name: 'Empty the trash' }).click();
    await expect(note).toContainText('This chat is not here');
    await second.getByRole('link', { name: 'Show all chats' }).click();
    await expect(note).toContainText('No chat is open');
    for (const tab of [page, second, third]) {
      await tab.reload();
      await expect(titles(tab)).toHaveText(['Keep me']);
    }
  });

  test('the one that serves closes while the other writes: nothing is lost', async ({ page }) => {
    await create(page, 'Shared');
    const second = await beside(page);
    const third = await beside(page);
    const tabs = second.getByTestId('storage-facts').locator('dt:text-is("Tabs") + dd');
    await page.getByTestId('storage').click();
    await expect(page.getByTestId('storage-facts')).toContainText('This tab serves');
    await second.getByTestId('storage').click();
    await expect(tabs).toContainText('Another tab serves');
    await second.keyboard.press('Escape');

    // Many are still on their way when the first is gone.
    const count = 200;
    await composer(second).evaluate((field: HTMLTextAreaElement, count) => {
      for (let n = 0; n < count; n += 1) {
        field.value = `Message ${n}`;
        field.dispatchEvent(new Event('input', { bubbles: true }));
        field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
      }
    }, count);
    await composer(second).fill('a draft');
    await page.close();
    await saved(second);
    const lines = Array.from({ length: count }, (_, n) => `Message ${n}`);
    await expect(texts(second).last()).toHaveText(lines.at(-1) ?? '');
    await expect(texts(third).last()).toHaveText(lines.at(-1) ?? '');
    await expect(texts(third).last()).toBeInViewport();
    for (const tab of [second, third]) {
      // A tab behind another one draws nothing, and so scrolls nowhere.
      await tab.bringToFront();
      expect(await passDown(tab.getByTestId('scroller'), 'message-text')).toEqual(lines);
    }
    await second.bringToFront();
    await expect(composer(second)).toBeFocused();
    await expect(composer(second)).toHaveValue('a draft');
    await expect(toast(second)).toHaveCount(0);

    // One of the two serves now, and says so while its panel is open.
    const serves = (tab: Page) => tab.getByTestId('storage-facts').getByText('This tab serves');
    for (const tab of [second, third]) await tab.getByTestId('storage').click();
    await expect
      .poll(async () => (await serves(second).count()) + (await serves(third).count()))
      .toBe(1);
    const [leader, follower] = (await serves(second).count()) ? [second, third] : [third, second];
    await leader.close();
    await expect(serves(follower)).toBeVisible();
    await follower.keyboard.press('Escape');
    await composer(follower).fill('alone');
    await composer(follower).press('Enter');
    await expect(texts(follower).last()).toHaveText('alone');
    await saved(follower);
    await follower.reload();
    await expect(texts(follower).last()).toHaveText('alone');
  });

  test('all is read again after a restore elsewhere, and the reader stays in his place', async ({
    page,
  }) => {
    await create(page, 'Long');
    await sayMany(
      page,
      Array.from({ length: 60 }, (_, index) => `Message ${index}`),
    );
    await page.getByTestId('storage').click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId('backup').click(),
    ]);
    const file = await download.path();
    await page.keyboard.press('Escape');
    await say(page, 'after the backup');
    await page.getByTestId('chat-rename').click();
    await page.getByTestId('inline-edit').fill('Longer');
    await page.getByTestId('inline-edit').press('Enter');
    const second = await beside(page);
    await create(page, 'Gone', 'gpt');
    const third = await beside(page);

    await composer(second).fill('a draft');
    const middle = texts(second).filter({ hasText: 'Message 30' });
    await middle.evaluate((element) => element.scrollIntoView({ block: 'center' }));
    const before = await middle.evaluate((element) => element.getBoundingClientRect().top);
    await rowAction(second, 'Longer', 'Rename');
    await second.getByTestId('inline-edit').fill('Lo');

    await page.getByTestId('storage').click();
    await page.getByTestId('restore-file').setInputFiles(file);
    await page.getByTestId('question').getByRole('button', { name: 'Replace all' }).click();
    await expect(second.getByTestId('chat-title')).toHaveText('Long');
    await expect(rows(second)).toHaveCount(1);
    await expect(texts(second).last()).toHaveText('Message 59');
    const after = await middle.evaluate((element) => element.getBoundingClientRect().top);
    // Scrolled by whole pixels of the screen, while heights have fractions.
    expect(Math.abs(after - before)).toBeLessThan(1);
    await expect(second.getByTestId('inline-edit')).toBeFocused();
    await expect(second.getByTestId('inline-edit')).toHaveValue('Lo');
    await second.keyboard.press('Escape');
    await expect(composer(second)).toHaveValue('a draft');
    await expect(third.getByTestId('note')).toContainText('This chat is not here');
    await expect(titles(third)).toHaveText(['Long']);
    await expect(third.getByTestId('filter')).toBeHidden();
  });

  test('a newer version in another: said once, and in the panel', async ({ page }) => {
    // A tab that is not the page, but hears what the page's say.
    const newer = await stranger(page.context());
    await newer.evaluate(() => {
      const common = new BroadcastChannel('conversation-store:conversations');
      common.onmessage = ({ data }) => {
        if (data.type === 'hello') Object.assign(window, { hello: data });
      };
    });
    await create(page, 'Old');
    await say(page, 'sent');
    await newer.evaluate(async () => {
      const { hello } = window as unknown as { hello: { protocol: number } };
      const from = crypto.randomUUID();
      await new Promise<void>((resolve) => {
        const hold = () => new Promise(() => resolve());
        void navigator.locks.request(`conversation-store-tab:${from}:conversations`, hold);
      });
      new BroadcastChannel('conversation-store:conversations').postMessage({
        ...hello,
        protocol: hello.protocol + 1,
        from,
      });
    });
    const bar = page.getByTestId('outdated');
    await expect(bar).toContainText('newer version');
    for (const text of ['not sent', 'nor this']) {
      await composer(page).fill(text);
      await composer(page).press('Enter');
      await expect(composer(page)).toHaveValue(new RegExp(text));
    }
    await expect(texts(page)).toHaveText(['sent']);
    await page.getByTestId('chat-rename').click();
    await page.getByTestId('inline-edit').fill('New');
    await page.getByTestId('inline-edit').press('Enter');
    await page.getByTestId('inline-edit').press('Escape');
    await rowAction(page, 'Old', 'Delete');
    await expect(toast(page)).toHaveCount(0);
    await page.getByTestId('storage').click();
    const facts = page.getByTestId('storage-facts');
    await expect(facts).toContainText('Another tab runs a newer version');
    await newer.close();
    await facts.getByRole('button', { name: 'Reload' }).click();
    await ready(page);
    await expect(titles(page)).toHaveText(['Old']);
    await expect(bar).toBeHidden();
  });

  test('one that hangs is named, and tried again', async ({ page, context }) => {
    const hung = await stranger(context);
    await hung.evaluate(
      () =>
        new Promise<void>((held) => {
          const hold = () => new Promise(() => held());
          void navigator.locks.request('conversation-store:conversations', hold);
        }),
    );
    await page.clock.install();
    await page.goto('/');
    const waits = () =>
      hung.evaluate(async () => (await navigator.locks.query()).pending?.map(({ name }) => name));
    await expect.poll(waits).toContain('conversation-store:conversations');
    await page.clock.runFor(2_000);
    await expect(page.getByTestId('screen-opening')).toContainText('a little longer');
    await page.clock.runFor(30_000);
    const problem = page.getByTestId('screen-problem');
    await expect(problem).toContainText('Another tab does not answer');
    await hung.close();
    await problem.getByRole('button', { name: 'Try again' }).click();
    await ready(page);
    await expect(page.getByTestId('list-note')).toContainText('No chats yet');
  });
});

test.describe('storage', () => {
  test('says where the chats are', async ({ page }) => {
    await open(page);
    await page.getByTestId('storage').click();
    const facts = page.getByTestId('storage-facts');
    await expect(facts).toContainText('On this device');
    await facts.getByText('Technical details').click();
    await expect(facts).toContainText('opfs');
    await expect(facts).toContainText('wal, synchronous full');
    await page.getByTestId('keep').click();
    await expect(facts.getByTestId('kept')).toContainText('browser');
    await expect(page.getByTestId('outcome')).toBeEmpty();
  });

  test('what the browser promises is said in the panel and in the list', async ({
    page,
    context,
    browser,
  }) => {
    await open(page);
    await expect(page.getByTestId('storage')).toContainText('Stored on this device');
    const { targetInfo } = await (await context.newCDPSession(page)).send('Target.getTargetInfo');
    await (await browser.newBrowserCDPSession()).send('Browser.grantPermissions', {
      origin: new URL(page.url()).origin,
      browserContextId: `${targetInfo.browserContextId}`,
      permissions: ['durableStorage'],
    });
    await page.getByTestId('storage').click();
    await expect(page.getByTestId('storage-facts')).toContainText('On this device');
    await expect(page.getByTestId('keep')).toHaveCount(0);
    await expect(page.getByTestId('storage')).toContainText('Kept on this device');
  });

  test('a backup comes back, and what is no backup changes nothing', async ({ page }) => {
    await create(page, 'Before');
    await say(page, '백업 💾');
    await create(page, 'Deleted');
    await page.getByTestId('chat-delete').click();
    await page.getByTestId('storage').click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId('backup').click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^chats-backup-\d{4}-\d\d-\d\d\.sqlite3$/);
    const file = await download.path();
    await page.keyboard.press('Escape');
    await create(page, 'After');

    await page.getByTestId('storage').click();
    const choose = page.getByTestId('restore-file');
    const question = page.getByTestId('question');
    const outcome = page.getByTestId('outcome');
    await choose.setInputFiles({
      name: 'x.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('no'),
    });
    // Told at once: there is nothing to ask.
    await expect(outcome).toContainText('not a backup of chats');
    await expect(question).toHaveCount(0);
    await expect(outcome).toContainText('as they were');
    await choose.setInputFiles(file);
    await question.getByRole('button', { name: 'Cancel' }).click();
    await expect(titles(page)).toHaveText(['After', 'Before']);

    await choose.setInputFiles(file);
    await question.getByRole('button', { name: 'Replace all' }).click();
    await expect(toast(page).last()).toContainText('are here now');
    await expect(titles(page)).toHaveText(['Before']);
    await rows(page).first().click();
    await expect(texts(page)).toHaveText(['백업 💾']);
    await page.reload();
    await expect(texts(page)).toHaveText(['백업 💾']);
  });
});

test.describe('what cannot be opened is explained', () => {
  test('a module that does not load, until it does', async ({ page }) => {
    await page.route('**/*.wasm', (route) => route.abort());
    await page.goto('/');
    await expect(page.getByTestId('screen-problem')).toContainText('cannot be kept here');
    await page.unroute('**/*.wasm');
    await page.getByRole('button', { name: 'Try again' }).click();
    await ready(page);
    await expect(page.getByTestId('list-note')).toContainText('No chats yet');
    // The browser notes the request that the test refused; the page itself is without fault.
    faults.set(
      page,
      (faults.get(page) ?? []).filter((text) => !text.includes('ERR_FAILED')),
    );
  });

  test('a chat that is not there', async ({ page }) => {
    await open(page, '#/chat/4711');
    await expect(page.getByTestId('note')).toContainText('This chat is not here');
    await page.getByRole('link', { name: 'Show all chats' }).click();
    await expect(page.getByTestId('first-run')).toBeVisible();
  });
});

/** What a control is called to those who cannot see it. */
async function unnamed(scope: Locator): Promise<string[]> {
  return scope.evaluate((root) => {
    const controls = root.querySelectorAll('button, a, input, select, textarea, dialog[open]');
    return [...controls].flatMap((control) => {
      const labels = (control as HTMLInputElement).labels;
      const label =
        control.getAttribute('aria-label') ??
        (labels && labels.length > 0 ? labels[0]?.textContent : control.textContent);
      return label?.trim() ? [] : [control.outerHTML];
    });
  });
}

test('names, landmarks and the order of headings', async ({ page }) => {
  await create(page, 'A chat');
  await say(page, 'hello');
  await expect(page.getByTestId('announcements')).toHaveText('You: hello');
  expect(await unnamed(page.locator('body'))).toEqual([]);
  await expect(page.getByRole('navigation', { name: 'Chats' })).toBeVisible();
  await expect(page.getByRole('main')).toHaveCount(1);
  await expect(page.getByRole('region', { name: 'Messages' })).toBeVisible();
  await expect(page.getByRole('combobox', { name: 'Write as' })).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
  await expect(rows(page).getByRole('link')).toHaveAttribute('aria-current', 'page');
  await expect(page).toHaveTitle('A chat · Chats');
  const ids = await page.evaluate(() => [...document.querySelectorAll('[id]')].map(({ id }) => id));
  expect(new Set(ids).size).toBe(ids.length);
  const own = await page.evaluate(() => {
    const frame = document.createElement('iframe');
    document.body.append(frame);
    const known = new Set(Object.getOwnPropertyNames(frame.contentWindow ?? {}));
    frame.remove();
    return Object.getOwnPropertyNames(window).filter((name) => !known.has(name));
  });
  // `root` is the id in index.html, which every browser makes a property; 0 was the frame above.
  expect(own.filter((name) => !ids.includes(name) && !/^\d+$/.test(name))).toEqual([]);

  await page.getByTestId('storage').click();
  await expect(page.getByRole('dialog', { name: 'Storage' })).toBeVisible();
  expect(await unnamed(page.getByTestId('storage-panel'))).toEqual([]);
});

for (const [device, width, height] of [
  ['phone', 390, 844],
  ['desk', 1440, 900],
] as const) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test.describe(`${device}, ${colorScheme}`, () => {
      test.use({ viewport: { width, height }, colorScheme });

      test('everything fits', async ({ page }, info) => {
        const fits = async (name: string) => {
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          expect(wide).toBeLessThanOrEqual(width);
          const path = info.outputPath(`${name}-${width}-${colorScheme}.png`);
          await page.screenshot({ path, animations: 'disabled' });
        };
        await open(page);
        await fits('empty');
        await create(page, 'x'.repeat(180), 'a brain with quite a long name');
        await say(page, `https://example.com/${'long/'.repeat(80)}`);
        await create(page, '서울 여행 계획 🇰🇷');
        await say(page, '이틀 동안 뭘 보면 좋을까요? 😊');
        await writeAs(page, 'Assistant');
        await say(page, '첫째 날은 경복궁과 북촌 한옥마을, 저녁에는 광장시장을 추천해요. 🚲');
        await fits('chat');
        const back = page.getByTestId('back');
        if (device === 'phone') {
          await expect(page.getByRole('navigation')).toBeHidden();
          await back.click();
          await expect(page.getByTestId('pane')).toBeHidden();
          await expect(page.locator(':focus')).toContainText('서울');
        } else {
          await expect(back).toBeHidden();
          await expect(page.getByRole('navigation')).toBeVisible();
        }
        await fits('list');
        await create(page, 'x'.repeat(180), 'offline');
        await page.getByTestId('chat-delete').click();
        await expect(rows(page)).toHaveCount(2);
        await page.goto('/#/trash');
        await expect(page.getByTestId('trashed')).toHaveCount(1);
        await fits('trash');
        await create(page, 'Answers', 'offline');
        await composer(page).fill('How do I write a function?');
        await composer(page).press('Enter');
        await page.getByTestId('stop').click();
        await page.getByRole('button', { name: 'Answer again' }).click();
        await expect(page.getByTestId('place').last()).toHaveText('2/2');
        await expect(texts(page).last()).toHaveText(/\w+ \w+ \w+ \w+/);
        await fits('answers');
        await page.getByTestId('stop').click();
        if (device === 'phone') await back.click();
        await page.getByTestId('storage').click();
        await expect(page.getByTestId('keep')).toBeVisible();
        await fits('storage');
      });
    });
  }
}
