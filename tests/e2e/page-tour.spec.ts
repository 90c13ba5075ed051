// The developer's page: each method as a form, two tabs in step, and a leader that is removed amid its
// writes.

import { expect, test } from '@playwright/test';
import { guard } from './page.js';

guard();

test('each method runs as it is offered, and says what came of it', async ({ page }) => {
  await page.goto('/tour');
  const forms = page.locator('.tour-method');
  await expect(forms.first()).toBeVisible();
  // They come group by group.
  await expect(page.getByTestId('method-clear')).toBeAttached();
  const names = await forms.evaluateAll((all) => all.map((form) => form.ariaLabel ?? ''));
  expect(names.length).toBeGreaterThan(25);
  // What is named as absent is refused with a word; `clear` at last, since it takes the sample away.
  for (const name of names) {
    const form = page.getByTestId(`method-${name}`);
    await form.getByRole('button', { name: 'Run' }).click();
    await expect(form.locator('.tour-outcome'), name).toHaveAttribute('data-kind', 'good');
    await expect(form.locator('.tour-outcome'), name).toHaveText(/\d/);
    await expect(form.locator('.tour-result'), name).not.toBeEmpty();
  }
  await expect(page.getByTestId('event-log').getByRole('listitem').first()).toContainText('change');
});

test('arguments are edited as JSON, and the code follows', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/tour');
  const form = page.getByTestId('method-addMessage');
  const args = page.getByTestId('args-addMessage');
  await args.fill('"tour", "user", "여기예요"');
  await expect(form.locator('.tour-code')).toContainText(
    'await store.addMessage("tour", "user", "여기예요");',
  );
  await form.getByRole('button', { name: 'Copy the code' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('여기예요');
  await args.press('Control+Enter');
  await expect(form.locator('.tour-result')).toContainText('"createdAt"');
  await args.fill('"tour", "user"');
  await args.press('Control+Enter');
  await expect(form.locator('.tour-result')).toContainText('invalid-argument');
  // What is no JSON is not sent.
  await args.fill('{');
  await args.press('Control+Enter');
  expect(await args.evaluate((field: HTMLTextAreaElement) => field.validity.valid)).toBe(false);
});

test('the example that is copied first is the one of useChat', async ({ page }) => {
  await page.goto('/tour');
  await expect(page.getByTestId('use-chat')).toContainText('useChat({ chat })');
  await expect(page.getByTestId('use-chat')).toContainText('import { ConversationStore }');
});

test('two tabs are in step, and nothing is lost when the one that serves is removed', async ({
  page,
}) => {
  await page.goto('/tour');
  const [a, b] = ['A', 'B'].map((name) => page.frameLocator(`[data-testid=frame-${name}]`));
  if (!a || !b) throw new Error('no frames');
  await page.getByTestId('remove-leader').scrollIntoViewIfNeeded();
  await a.getByRole('textbox').fill('hello from A');
  await a.getByRole('textbox').press('Enter');
  await expect(b.getByTestId('frame-messages')).toContainText('A: hello from A');
  await page.getByTestId('remove-leader').click();
  await expect(page.locator('iframe')).toHaveCount(1);
  const outcome = page.getByTestId('frames-outcome');
  await expect(outcome).toHaveAttribute('data-kind', 'good', { timeout: 30_000 });
  await expect(outcome).toContainText('0 of them are lost, 0 are there twice');
  await page.getByTestId('frames-again').click();
  await expect(page.locator('iframe')).toHaveCount(2);
  await expect(page.getByTestId('remove-leader')).toBeEnabled();
});
