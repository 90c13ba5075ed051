// Answers on the page: streamed, stopped, broken off by a reload; other versions of a question and of
// an answer, and the way among them. In a browser on real OPFS; nothing here waits for time to pass.

import { expect, type Page, test } from '@playwright/test';
import {
  another,
  composer,
  create,
  guard,
  open,
  ready,
  saved,
  texts,
  titles,
  toast,
  writeAs,
} from './page.js';

guard();

const statuses = (page: Page) => page.getByTestId('message-status');
const answerText = (page: Page) => texts(page).last();
const stop = (page: Page) => page.getByTestId('stop');
const place = (page: Page) => page.getByTestId('place').filter({ visible: true });

/** Asks, and returns while the answer is being written. */
async function ask(page: Page, question: string): Promise<void> {
  const count = await texts(page).count();
  await composer(page).fill(question);
  await composer(page).press('Enter');
  await expect(texts(page)).toHaveCount(count + 2);
  await expect(answerText(page)).not.toHaveText('');
}

/** Stops the answer that is being written, and returns when that is stored. */
async function stopNow(page: Page): Promise<string> {
  await stop(page).click();
  await expect(page.getByTestId('send')).toBeVisible();
  await expect(statuses(page).last()).toHaveText('Stopped');
  return (await answerText(page).textContent()) ?? '';
}

/** Puts the pointer at a message, which shows what one can do with it. */
async function act(page: Page, at: number, name: string): Promise<void> {
  const message = page.getByTestId('message').nth(at);
  await message.hover();
  await message.getByRole('button', { name, exact: true }).click();
}

test.describe('answers', () => {
  test('one grows word by word, here and in another tab, and is there at the end', async ({
    page,
    context,
  }) => {
    await create(page, 'Ask', 'offline');
    const second = await another(context);
    await open(second, new URL(page.url()).hash);
    await ask(page, 'How do I plan a week in Busan?');
    for (const tab of [page, second]) {
      await expect(statuses(tab).last()).toHaveText('Writing…');
      // It grows: each text that is read begins with the one before.
      const lengths = new Set<number>();
      let before = '';
      while (lengths.size < 4) {
        const text = (await answerText(tab).textContent()) ?? '';
        expect(text.startsWith(before)).toBe(true);
        lengths.add(text.length);
        before = text;
      }
    }
    await expect(stop(page)).toBeVisible();
    await expect(stop(second)).toBeHidden();
    await expect(page.getByTestId('send')).toBeVisible({ timeout: 30_000 });
    for (const tab of [page, second]) {
      await expect(tab.getByTestId('message').last()).toHaveAttribute('data-status', 'complete');
      await expect(answerText(tab)).toContainText('Busan');
      await expect(tab.getByTestId('announcements')).toContainText('Assistant: ');
    }
    const whole = (await answerText(page).textContent()) ?? '';
    expect(await answerText(page).locator('.md > *').count()).toBeGreaterThan(3);
    await expect(answerText(second)).toHaveText(whole);
    await page.reload();
    await expect(answerText(page)).toHaveText(whole);
  });

  test('Korean is answered in Korean', async ({ page }) => {
    await open(page, '#/new');
    await composer(page).fill('서울에서 이틀 동안 뭘 보면 좋을까요?');
    await composer(page).press('Enter');
    await expect(texts(page)).toHaveCount(2);
    await expect(answerText(page)).toHaveText(/[가-힣]/);
    await expect(answerText(page)).toHaveAttribute('lang', 'ko');
    await expect(page.getByTestId('chat-brain')).toHaveValue('is:offline');
    await stopNow(page);
  });

  test('code is set apart, in colours, and can be copied', async ({ page, context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const source = 'def twice(x):\n    return [x, x]  # both';
    await create(page, 'Ask', 'echo');
    await ask(page, `Look:\n\n\`\`\`py\n${source}\n\`\`\`\n\nThat is all.`);
    await expect(page.getByTestId('send')).toBeVisible();
    const code = answerText(page).locator('pre');
    for (const shown of [code, texts(page).first().locator('pre')]) {
      await expect(shown).toHaveText(source, { useInnerText: true });
      await expect(shown.locator('.hljs-keyword').first()).toHaveText('def');
    }
    expect(await answerText(page).textContent()).not.toContain('```');
    await answerText(page).getByRole('button', { name: 'Copy the code' }).click();
    await expect(page.getByTestId('announcements')).toHaveText('Copied.');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(source);
    await page.reload();
    await expect(code).toHaveText(source, { useInnerText: true });
    await expect(code.locator('.hljs-keyword').first()).toHaveText('def');
  });

  test('a stopped one keeps its text, and can be answered again', async ({ page }) => {
    await create(page, 'Ask', 'offline');
    await ask(page, 'Explain how a browser stores files');
    // While it is written, nothing else is sent.
    await composer(page).fill('next');
    await composer(page).press('Enter');
    await expect(composer(page)).toHaveValue('next');
    await composer(page).press('Enter');
    await expect(toast(page)).toHaveText(/An answer is being written/);
    const kept = await stopNow(page);
    await expect(toast(page)).toHaveCount(0);
    expect(kept).not.toBe('');
    await page.reload();
    await expect(answerText(page)).toHaveText(kept);
    await expect(statuses(page).last()).toHaveText('Stopped');

    await page.getByRole('button', { name: 'Answer again' }).click();
    await expect(place(page)).toHaveText('2/2');
    await expect(texts(page)).toHaveCount(2);
    await expect(statuses(page).last()).toHaveText('Writing…');
    await stopNow(page);
    await act(page, 1, 'Previous version');
    await expect(answerText(page)).toHaveText(kept);
  });

  test('one that a reload broke off says so, and can be answered again', async ({ page }) => {
    await create(page, 'Ask', 'offline');
    await ask(page, 'What makes a good test?');
    await expect(answerText(page)).toHaveText(/\w+ \w+ \w+/);
    await page.reload();
    await expect(statuses(page).last()).toHaveText('Stopped');
    await expect(answerText(page)).toHaveText(/\w+ \w+ \w+/);
    await page.getByRole('button', { name: 'Answer again' }).click();
    await expect(place(page)).toHaveText('2/2');
    await stopNow(page);
  });

  test('another tab sees that it broke off', async ({ page, context }) => {
    await create(page, 'Ask', 'offline');
    const second = await another(context);
    await open(second, new URL(page.url()).hash);
    await ask(page, 'What makes a good test?');
    await expect(answerText(second)).toHaveText(/\w+ \w+ \w+/);
    await page.close();
    await expect(statuses(second).last()).toHaveText('Stopped');
    await expect(second.getByRole('button', { name: 'Answer again' })).toBeVisible();
  });

  test('goes on when the tab that served it is gone, and no word is lost', async ({
    page,
    context,
  }) => {
    const question = Array.from({ length: 120 }, (_, index) => `word${index}`).join(' ');
    await create(page, 'Ask', 'echo');
    const second = await another(context);
    await open(second, new URL(page.url()).hash);
    await ask(second, question);
    await expect(answerText(page)).toHaveText(/\w+ \w+ \w+/);
    await page.close();
    await expect(second.getByTestId('message').last()).toHaveAttribute('data-status', 'complete');
    expect(await answerText(second).textContent()).toBe(question);
    await second.reload();
    await expect(answerText(second)).toHaveText(question);
  });

  test('goes on while another chat is on show', async ({ page }) => {
    await create(page, 'Other');
    await create(page, 'Ask', 'offline');
    await ask(page, 'Compare tea and coffee');
    const address = page.url();
    await page.getByTestId('conversation').filter({ hasText: 'Other' }).click();
    await expect(page.getByTestId('chat-title')).toHaveText('Other');
    await expect(stop(page)).toBeHidden();
    await page.goto(address);
    await expect(page.getByTestId('chat-title')).toHaveText('Ask');
    await expect(statuses(page).last()).toHaveText('Writing…');
    await stopNow(page);
  });

  test('the end stays in sight only for who is at the end', async ({ page }) => {
    await page.setViewportSize({ width: 800, height: 480 });
    await create(page, 'Ask', 'echo');
    await ask(
      page,
      Array.from({ length: 60 }, (_, index) => `Paragraph ${index}, short.`).join('\n\n'),
    );
    const scroller = page.getByTestId('scroller');
    const below = () =>
      scroller.evaluate((element) =>
        Math.round(element.scrollHeight - element.scrollTop - element.clientHeight),
      );
    const height = () => scroller.evaluate((element) => element.scrollHeight);
    const start = await height();
    await expect.poll(height).toBeGreaterThan(start + 100);
    expect(await below()).toBeLessThan(48);
    await scroller.hover();
    await page.mouse.wheel(0, -60);
    await expect.poll(below).toBeGreaterThan(20);
    const top = await scroller.evaluate((element) => element.scrollTop);
    const later = await height();
    await expect.poll(height).toBeGreaterThan(later + 60);
    expect(await scroller.evaluate((element) => element.scrollTop)).toBe(top);
    await stopNow(page);
  });
});

test.describe('versions', () => {
  test('of a question: edited in its place, answered anew, the old one a step away', async ({
    page,
    context,
  }) => {
    await create(page, 'Ask', 'offline');
    await ask(page, 'First question');
    const first = await stopNow(page);
    const second = await another(context);
    await open(second, new URL(page.url()).hash);

    await act(page, 0, 'Edit this message');
    const field = page.getByTestId('message-field');
    await expect(field).toBeFocused();
    await field.fill('never mind');
    await field.press('Escape');
    await expect(texts(page).first()).toHaveText('First question');
    await act(page, 0, 'Edit this message');
    await field.fill('Second question');
    await field.press('Enter');
    await expect(texts(page).first()).toHaveText('Second question');
    await expect(texts(page)).toHaveCount(2);
    await expect(place(page)).toHaveText('2/2');
    const other = await stopNow(page);
    await expect(texts(second)).toHaveText(['Second question', other]);
    await expect(place(second)).toHaveText('2/2');

    // A tab behind another one is slow to draw, and so to be clicked in.
    await page.bringToFront();
    // Back, and forth again by keyboard: the focus goes along.
    await act(page, 0, 'Previous version');
    for (const tab of [page, second]) {
      await expect(texts(tab)).toHaveText(['First question', first]);
      await expect(place(tab)).toHaveText('1/2');
    }
    await expect(page.getByTestId('announcements')).toHaveText('Version 1 of 2');
    await expect(page.getByRole('button', { name: 'Previous version' })).toBeFocused();
    await expect(page.getByRole('group', { name: 'Version 1 of 2' })).toBeVisible();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect(texts(page)).toHaveText(['Second question', other]);
    await expect(page.getByRole('button', { name: 'Next version' })).toBeFocused();
    await page.reload();
    await ready(page);
    await expect(texts(page)).toHaveText(['Second question', other]);
    await expect(place(page)).toHaveText('2/2');
  });

  test('of an answer: each another one, with what followed it', async ({ page }) => {
    await create(page, 'Ask', 'offline');
    await ask(page, 'Tell me about rivers');
    const answers = [await stopNow(page)];
    await composer(page).fill('And lakes?');
    await writeAs(page, 'System');
    await composer(page).press('Enter');
    await saved(page);
    await expect(texts(page)).toHaveCount(3);

    for (const at of ['2/2', '3/3']) {
      await act(page, 1, 'Answer again');
      await expect(place(page)).toHaveText(at);
      await expect(texts(page)).toHaveCount(2);
      await expect(answerText(page)).toHaveText(/\w+ \w+/);
      answers.push(await stopNow(page));
    }
    expect(new Set(answers).size).toBe(3);
    await act(page, 1, 'Previous version');
    await expect(place(page)).toHaveText('2/3');
    await act(page, 1, 'Previous version');
    await expect(place(page)).toHaveText('1/3');
    await expect(texts(page)).toHaveText(['Tell me about rivers', answers[0] ?? '', 'And lakes?']);
    await expect(titles(page)).toHaveText(['Ask']);
  });

  test('a question that nobody has answered can be, in any chat', async ({ page }) => {
    await create(page, 'Notes');
    await composer(page).fill('Why is the sky blue?');
    await composer(page).press('Enter');
    await saved(page);
    await expect(texts(page)).toHaveCount(1);
    await page.getByRole('button', { name: 'Answer this' }).click();
    await expect(texts(page)).toHaveCount(2);
    await expect(page.getByTestId('message').last()).toContainText('offline');
    await stopNow(page);
    await expect(page.getByRole('button', { name: 'Answer this' })).toBeHidden();
  });
});
