// The search box of the page, by pointer and by keyboard, in a browser on real OPFS; nothing here
// waits for time to pass.

import { expect, type Page, test } from '@playwright/test';
import { another, choose, create, guard, open, rows, say, sayMany, texts, titles } from './page.js';

guard();

const box = (page: Page) => page.getByRole('searchbox', { name: 'Search all chats' });
const hits = (page: Page) => page.getByTestId('hit');
const snippets = (page: Page) => page.getByTestId('snippet');
const count = (page: Page) => page.getByTestId('search-count');
const marks = (page: Page) => hits(page).locator('mark');
const link = (page: Page, at: number) => hits(page).nth(at).getByRole('link');
const found = (page: Page) => page.locator('[data-testid="message"][data-found]');

test.describe('search', () => {
  test('finds Korean within a word, right after it was sent, while it is typed', async ({
    page,
  }) => {
    await create(page, 'Elsewhere');
    await create(page, '업무');
    await say(page, '오늘회의록을 정리해 주세요 <b>');
    // No hit is of what was typed before: each is asked for with the whole of the box.
    for (const [typed, marked] of [
      ['회', '회'],
      ['회의', '회의'],
      ['회의록', '회의록'],
      ['회의록을 <B>', '회의록을,<b>'],
    ] as const) {
      await box(page).fill(typed);
      await expect.poll(async () => (await marks(page).allTextContents()).join()).toBe(marked);
    }
    await expect(snippets(page)).toHaveText(['오늘회의록을 정리해 주세요 <b>']);
    await expect(count(page)).toHaveText('Found in 1 chat');
    await expect(rows(page).filter({ visible: true })).toHaveCount(0);
    await page.getByRole('button', { name: 'Empty the search box' }).click();
    await expect(box(page)).toBeFocused();
    await expect(titles(page)).toHaveText(['업무', 'Elsewhere']);
    await expect(hits(page).filter({ visible: true })).toHaveCount(0);
  });

  test('what an input method is still building is looked for', async ({ page }) => {
    await create(page, '업무');
    await say(page, '오늘회의록');
    await box(page).focus();
    const session = await page.context().newCDPSession(page);
    for (const text of ['ㅎ', '호', '회', '회ㅇ', '회으', '회의']) {
      await session.send('Input.imeSetComposition', {
        text,
        selectionStart: text.length,
        selectionEnd: text.length,
      });
      await expect(box(page)).toHaveValue(text);
      if (/^[가-힣]+$/.test(text) && '회의'.startsWith(text)) {
        await expect(marks(page)).toHaveText([text]);
      }
    }
    // Still being composed: Escape and arrows are the input method's.
    await box(page).dispatchEvent('keydown', { key: 'Escape', isComposing: true });
    await expect(box(page)).toHaveValue('회의');
    await session.send('Input.insertText', { text: '회의' });
    await expect(marks(page)).toHaveText(['회의']);
  });

  test('a hit leads to its message, far up in a long chat, and again', async ({ page }) => {
    await create(page, 'Long');
    await say(page, 'the needle is the first of them');
    await sayMany(
      page,
      Array.from({ length: 170 }, (_, n) => `line ${n}`),
    );
    await create(page, 'Other');
    const address = page.url();
    await box(page).fill('need');
    await link(page, 0).click();
    await expect(page.getByTestId('chat-title')).toHaveText('Long');
    await expect(found(page)).toContainText('the needle is');
    await expect(found(page)).toBeInViewport();
    await expect(found(page)).toBeFocused();
    await expect(link(page, 0)).toHaveAttribute('aria-current', 'page');
    // The chat is on show and scrolled elsewhere: the same hit leads there again.
    await page.getByTestId('to-end').click();
    await expect(found(page)).not.toBeInViewport();
    await link(page, 0).click();
    await expect(found(page)).toBeInViewport();
    // A reload shows the chat at its end, as it always does; Back leads to where one was.
    await page.goBack();
    await page.goBack();
    await expect(page).toHaveURL(`${address}?q=need`);
    await expect(page.getByTestId('chat-title')).toHaveText('Other');
  });

  test('a message on another branch is shown on its branch', async ({ page }) => {
    await create(page, 'Branches');
    await say(page, 'first thought');
    const message = page.getByTestId('message').first();
    await message.hover();
    await message.getByRole('button', { name: 'Edit this message' }).click();
    await message.getByRole('textbox').fill('second thought');
    await message.getByRole('textbox').press('Enter');
    await expect(texts(page)).toHaveText(['second thought']);
    await say(page, 'what followed the second');
    await sayMany(
      page,
      Array.from({ length: 80 }, (_, n) => `and so on ${n}`),
    );

    await box(page).fill('thought');
    await expect(page.getByTestId('hit-count')).toHaveText('2 hits');
    await box(page).fill('first');
    await link(page, 0).click();
    await expect(texts(page)).toHaveText(['first thought']);
    await expect(found(page)).toBeFocused();
    await expect(page.getByTestId('place')).toHaveText('1/2');
    // From one to the other in the open chat, far above the end of the other.
    await box(page).fill('followed');
    await link(page, 0).click();
    await expect(found(page)).toContainText('what followed');
    await expect(found(page)).toBeInViewport();
    await expect(texts(page)).toHaveCount(82);
    // Another choice made since is not undone by a reload.
    await page.getByRole('button', { name: 'Previous version' }).click();
    await expect(texts(page)).toHaveText(['first thought']);
    await page.reload();
    await expect(texts(page)).toHaveText(['first thought']);
  });

  test('by keyboard alone', async ({ page }) => {
    for (const title of ['One', 'Two', 'Three']) {
      await create(page, title);
      await say(page, `apple of ${title}`);
    }
    await page.keyboard.press('Control+k');
    await expect(box(page)).toBeFocused();
    await page.keyboard.type('apple');
    await expect(hits(page)).toHaveCount(3);
    await page.keyboard.press('ArrowDown');
    await expect(link(page, 0)).toBeFocused();
    await page.keyboard.press('ArrowDown');
    await expect(link(page, 1)).toBeFocused();
    await page.keyboard.press('End');
    await expect(link(page, 2)).toBeFocused();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowUp');
    await expect(box(page)).toBeFocused();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const text = (await snippets(page).nth(1).textContent()) ?? '';
    await page.keyboard.press('Enter');
    await expect(found(page)).toContainText(text);
    await expect(found(page)).toBeFocused();

    // Enter in the box opens the best of what stands in it, however fast it comes.
    await page.keyboard.press('Control+k');
    await page.keyboard.type('apple of one');
    await page.keyboard.press('Enter');
    await expect(page.getByTestId('chat-title')).toHaveText('One');
    await expect(found(page)).toBeFocused();
    await page.keyboard.press('Control+k');
    await page.keyboard.press('ArrowDown');
    await expect(link(page, 0)).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(box(page)).toBeFocused();
    await expect(box(page)).toHaveValue('');
    await expect(titles(page)).toHaveText(['Three', 'Two', 'One']);
  });

  test('nothing found is said, whatever was typed', async ({ page }) => {
    await create(page, 'Chat');
    await say(page, 'C++ and node.js');
    for (const typed of ['"', 'NEAR(', '* OR', "'; DROP TABLE messages; --", '👩‍👩‍👧‍👦', '-and']) {
      await box(page).fill(typed);
      await expect(count(page)).toHaveText(`Nothing found for “${typed}”.`);
      await expect(hits(page)).toHaveCount(0);
    }
    await box(page).fill('  c++ ');
    await expect(marks(page)).toHaveText(['C++']);
    await box(page).fill('   ');
    await expect(titles(page)).toHaveText(['Chat']);
    await expect(titles(page)).toBeVisible();
  });

  test('what is written, renamed and deleted elsewhere while a query stands', async ({
    page,
    context,
  }) => {
    await create(page, 'Here');
    await say(page, 'a pear');
    const second = await another(context);
    await open(second, new URL(page.url()).hash);
    await box(page).fill('pear');
    await expect(hits(page)).toHaveCount(1);
    await page.keyboard.press('ArrowDown');
    await say(second, 'pears again');
    await expect(page.getByTestId('hit-count')).toHaveText('2 hits');
    await create(second, 'Pear tree');
    await expect(page.getByTestId('hit-title').locator('mark')).toHaveText(['Pear']);
    await expect(hits(page)).toHaveCount(2);
    // The focus stays with its hit.
    await expect(hits(page).filter({ hasText: 'Here' }).getByRole('link')).toBeFocused();
    await choose(second, 'Here');
    await second.getByTestId('chat-delete').click();
    await expect(hits(page)).toHaveCount(1);
    await expect(link(page, 0)).toBeFocused();
    // Of a brain only.
    await create(second, 'Pear pie', 'gpt');
    await expect(hits(page)).toHaveCount(2);
    await page.getByRole('combobox', { name: 'Brain' }).selectOption('gpt');
    await expect(page.getByTestId('hit-title')).toHaveText(['Pear pie']);
  });

  test('goes on as one scrolls down; typing over thousands of messages', async ({ page }) => {
    await open(page);
    const chats = Array.from({ length: 60 }, (_, chat) => ({
      title: `Chat ${chat}`,
      messages: Array.from({ length: 60 }, (_, n) => ({
        role: n % 2 ? 'assistant' : 'user',
        content: `${'보통의 문장과 words of all kinds '.repeat(12)}회의록 number ${chat}-${n}.`,
      })),
    }));
    await page.getByTestId('import-file').setInputFiles({
      name: 'chats.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(chats)),
    });
    await expect(page.getByTestId('import-report')).toBeVisible({ timeout: 50_000 });
    await page.getByTestId('import-dialog').getByRole('button', { name: 'Close' }).click();
    await expect(page.getByRole('dialog')).toHaveCount(0);

    await page.evaluate(() => {
      const long: number[] = [];
      const frames: number[] = [];
      Object.assign(window, { long, frames });
      const observer = new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) long.push(duration);
      });
      observer.observe({ type: 'long-animation-frame' });
      const onFrame = (time: number) => {
        frames.push(time);
        requestAnimationFrame(onFrame);
      };
      requestAnimationFrame(onFrame);
    });
    await box(page).pressSequentially('회의록 number words of');
    await expect(count(page)).toHaveText('Found in more than 20 chats');
    await expect(marks(page).first()).toBeVisible();
    const seen = await page.evaluate(async () => {
      const { long, frames } = window as unknown as Record<'long' | 'frames', number[]>;
      // What was long is known two frames later.
      for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
      const apart = frames.slice(1).map((time, index) => time - (frames[index] ?? time));
      return {
        isKnown: PerformanceObserver.supportedEntryTypes.includes('long-animation-frame'),
        frames: frames.length,
        longest: Math.max(...apart),
        long,
      };
    });
    expect(seen.isKnown).toBe(true);
    const { frames, longest, long } = seen;
    const words = `${long.length} of ${frames} frames were longer than 50 ms (${long.map(Math.round).join(', ')}); two were at most ${Math.round(longest)} ms apart`;
    test.info().annotations.push({ type: 'typing 22 characters', description: words });
    console.log(`typing: ${words}`);

    for (const part of [20, 40, 59]) {
      await hits(page).last().scrollIntoViewIfNeeded();
      await expect.poll(() => hits(page).count()).toBeGreaterThan(part);
    }
    expect(new Set(await page.getByTestId('hit-title').allTextContents()).size).toBe(60);
    await expect(count(page)).toHaveText('Found in 60 chats');
    await expect(page.getByTestId('hit-count')).toHaveText(Array(60).fill('60 hits'));
  });
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test('a hit takes the place of the list, which is as it was when one comes back', async ({
    page,
  }) => {
    await create(page, `Long${'title'.repeat(35)}`);
    await say(page, `먼저 ${'w'.repeat(300)} 회의록 ${'w'.repeat(300)}`);
    await page.getByTestId('back').click();
    await box(page).fill('회의');
    await expect(marks(page)).toHaveText(['회의']);
    for (const part of [hits(page), box(page), count(page)]) {
      const { x, width } = (await part.boundingBox()) ?? { x: -1, width: 0 };
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x + width).toBeLessThanOrEqual(390);
    }
    await link(page, 0).tap();
    await expect(found(page)).toBeInViewport();
    await expect(box(page)).toBeHidden();
    await page.getByTestId('back').tap();
    await expect(marks(page)).toHaveText(['회의']);
    await expect(link(page, 0)).toBeFocused();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(390);
  });
});
