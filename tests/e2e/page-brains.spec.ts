// Who answers: a model behind an endpoint that is connected as a person does it, on loopback; what goes
// there and what does not; what is seen when it does not work. Nothing here waits for time to pass.

import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import { FakeOpenAi } from './fake-openai.js';
import {
  allowed,
  another,
  chooseBrain,
  composer,
  create,
  forgive,
  guard,
  open,
  saved,
  say,
  texts,
  titles,
  toast,
  writeAs,
} from './page.js';

guard();

let fake: FakeOpenAi;

test.beforeEach(async () => {
  fake = await FakeOpenAi.start();
  allowed.add(fake.host);
});

test.afterEach(() => fake.stop());

const status = (page: Page) => page.getByTestId('message').last();
const answerText = (page: Page) => texts(page).last();
const where = (page: Page) => page.getByTestId('where');

async function openConnect(page: Page, picker = 'chat-brain'): Promise<void> {
  await page.getByTestId(`${picker}-more`).click();
  await page.getByRole('menuitem', { name: 'Connect a model…' }).click();
  await expect(page.getByTestId('connect-dialog')).toBeVisible();
}

/** Connects the endpoint from the chat that is open, which it then answers in. */
async function connect(
  page: Page,
  { key = 'sk-secret', picker = 'chat-brain' } = {},
): Promise<void> {
  await openConnect(page, picker);
  const dialog = page.getByTestId('connect-dialog');
  await dialog.getByText('Other', { exact: true }).click();
  await dialog.getByTestId('connect-url').fill(fake.url);
  await dialog.getByTestId('connect-key').fill(key);
  await dialog.getByTestId('connect-model').fill('small');
  await dialog.getByTestId('connect-name').fill('home');
  await dialog.getByTestId('connect-save').click();
  await expect(dialog.getByTestId('connect-outcome')).toContainText('answers. It has 2 models.');
  await dialog.getByTestId('connect-done').click();
  await expect(page.getByTestId(picker)).toHaveValue('is:home');
}

async function ask(page: Page, question: string): Promise<void> {
  const count = await texts(page).count();
  await composer(page).fill(question);
  await composer(page).press('Enter');
  await expect(texts(page)).toHaveCount(count + 2);
}

const complete = (page: Page) => expect(status(page)).toHaveAttribute('data-status', 'complete');

test.describe('a model behind an endpoint', () => {
  test('is connected, answers as it comes, says what it used; nothing else is asked', async ({
    page,
  }) => {
    await open(page, '#/new');
    await expect(where(page)).toContainText('Nothing you write leaves this device');
    expect(fake.asked).toEqual([]);
    await connect(page, { picker: 'new-brain' });
    await expect(where(page)).toContainText(`Goes to ${fake.host}, on this device: small.`);
    expect(fake.asked.map(({ path }) => path)).toEqual(['/v1/models']);

    let go = () => {};
    const told = new Promise<void>((resolve) => {
      go = resolve;
    });
    fake.answer = async ({ say, end }) => {
      say('Half of **it**');
      await told;
      say(' and the rest.');
      end({ prompt_tokens: 1_000, completion_tokens: 204, total_tokens: 1_204 });
    };
    await composer(page).fill('What is it?');
    await composer(page).press('Enter');
    await expect(answerText(page)).toHaveText('Half of it');
    await expect(answerText(page).locator('strong')).toHaveText('it');
    await expect(page.getByTestId('message-status').last()).toHaveText('Writing…');
    go();
    await complete(page);
    await expect(answerText(page)).toHaveText('Half of it and the rest.');
    await expect(page.getByTestId('tokens').last()).toHaveText('1,204 tokens');
    await expect(status(page)).toContainText('small-1');
    // The title comes from the model, after that of the first message.
    await expect(page.getByTestId('chat-title')).toHaveText('A fitting title');

    const [question] = fake.questions;
    expect(question).toMatchObject({
      method: 'POST',
      path: '/v1/chat/completions',
      authorization: 'Bearer sk-secret',
      cookie: undefined,
      referer: undefined,
      body: { model: 'small', messages: [{ role: 'user', content: 'What is it?' }] },
    });
    // The models, the answer, the title.
    expect(fake.asked).toHaveLength(3);
    await page.reload();
    await expect(answerText(page)).toHaveText('Half of it and the rest.');
    await expect(page.getByTestId('tokens').last()).toHaveText('1,204 tokens');
    expect(fake.asked).toHaveLength(3);
  });

  test('is told the system prompt and what was said; has a model of its own in each chat', async ({
    page,
  }) => {
    await create(page, 'Rules', 'echo');
    await ask(page, 'first');
    await complete(page);
    await connect(page);
    await page.getByTestId('chat-settings').click();
    await page.getByTestId('settings-system').fill('Be brief.');
    await page.getByTestId('settings-model').fill('large');
    await page.getByTestId('settings-save').click();
    await expect(page.getByTestId('settings-dialog')).toBeHidden();
    await expect(where(page)).toContainText('large');
    await page.reload();
    await expect(texts(page)).toHaveCount(2);
    await ask(page, 'second');
    await complete(page);
    expect(fake.questions.at(-1)?.body).toMatchObject({
      model: 'large',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'first' },
        { role: 'assistant', content: 'first' },
        { role: 'user', content: 'second' },
      ],
    });
    // Changed in mid-chat: from here on another one answers.
    await chooseBrain(page, 'chat-brain', 'echo');
    await ask(page, 'third');
    await complete(page);
    await expect(answerText(page)).toHaveText('third');
    expect(fake.questions).toHaveLength(1);
    // A title of a person's own stays.
    await expect(page.getByTestId('chat-title')).toHaveText('Rules');
  });

  test('a title that a person gives while the model makes one stays', async ({ page }) => {
    await open(page, '#/new');
    await connect(page, { picker: 'new-brain' });
    let go = () => {};
    const told = new Promise<void>((resolve) => {
      go = resolve;
    });
    fake.answer = async ({ say, end }) => {
      say('Yes.');
      await told;
      end();
    };
    await composer(page).fill('Is it so?');
    await composer(page).press('Enter');
    await expect(answerText(page)).toHaveText('Yes.');
    await expect(titles(page)).toHaveText(['Is it so?']);
    await page.getByTestId('chat-rename').click();
    await page.getByTestId('inline-edit').fill('My own');
    await page.getByTestId('inline-edit').press('Enter');
    await expect(titles(page)).toHaveText(['My own']);
    go();
    await complete(page);
    await ask(page, 'And now?');
    await complete(page);
    await expect(titles(page)).toHaveText(['My own']);
    expect(fake.asked.filter(({ body }) => body?.stream === false)).toHaveLength(0);
  });

  test('stopped, it is asked no more; what came stays, and it goes on from there', async ({
    page,
  }) => {
    await create(page, 'Stop', 'echo');
    await connect(page);
    let left = () => {};
    const gone = new Promise<void>((resolve) => {
      left = resolve;
    });
    fake.answer = async (answering) => {
      answering.say('One two');
      await answering.gone;
      left();
    };
    await ask(page, 'Count to four');
    await expect(answerText(page)).toHaveText('One two');
    await page.getByTestId('stop').click();
    await gone;
    await expect(status(page)).toHaveAttribute('data-status', 'aborted');
    await page.reload();
    await expect(answerText(page)).toHaveText('One two');

    fake.answer = ({ say, end }) => {
      say(' three four');
      end();
    };
    await page.getByTestId('resume').last().click();
    await complete(page);
    await expect(answerText(page)).toHaveText('One two three four');
    await expect(texts(page)).toHaveCount(2);
    const { messages } = fake.questions.at(-1)?.body ?? {};
    expect(messages.slice(0, 2)).toEqual([
      { role: 'user', content: 'Count to four' },
      { role: 'assistant', content: 'One two' },
    ]);
    expect(messages[2].role).toBe('user');
    await expect(page.getByTestId('resume').last()).toBeHidden();
  });

  test('what it refuses is shown as it said it, and tried again', async ({ page }) => {
    await create(page, 'Refused', 'echo');
    await connect(page);
    fake.refuse = {
      status: 401,
      body: JSON.stringify({ error: { message: 'Incorrect API key provided: sk-se**et.' } }),
    };
    await ask(page, 'Hello?');
    await expect(status(page)).toHaveAttribute('data-status', 'error');
    const failure = page.getByTestId('failure');
    await expect(failure).toContainText('401 Unauthorized: Incorrect API key provided: sk-se**et.');
    await expect(failure).toContainText('did not accept the key');
    await page.reload();
    await expect(failure).toContainText('Incorrect API key provided');
    forgive(page, /status of 401/);

    fake.refuse = undefined;
    await page.getByRole('button', { name: 'Try again' }).click();
    await complete(page);
    await expect(answerText(page)).toHaveText('You said: Hello?');
    await expect(page.getByTestId('place').last()).toHaveText('2/2');
  });

  test('one that lets no page ask: what that is, and what can be done', async ({ page }) => {
    await create(page, 'CORS', 'echo');
    await connect(page);
    fake.allowsPages = false;
    await ask(page, 'Hello?');
    const failure = page.getByTestId('failure');
    await expect(failure).toContainText('Failed to fetch');
    await expect(failure).toContainText('CORS');
    await expect(failure).toContainText(new URL(page.url()).origin);
    forgive(page, /CORS policy|Failed to load resource/);
    // In the dialog as well.
    await openConnect(page);
    await page.getByRole('button', { name: 'Change “home”' }).click();
    await page.getByTestId('connect-save').click();
    await expect(page.getByTestId('connect-outcome')).toContainText(
      'Saved, but it does not answer',
    );
    await expect(page.getByTestId('connect-outcome')).toContainText('CORS');
    forgive(page, /CORS policy|Failed to load resource/);
  });

  test('an answer that breaks off says so and keeps what came', async ({ page }) => {
    await create(page, 'Cut', 'echo');
    await connect(page);
    fake.answer = ({ say, event }) => {
      say('Half a sen');
      event({ error: { message: 'The model was unloaded.' } });
    };
    await ask(page, 'Tell me');
    await expect(page.getByTestId('failure')).toContainText('The model was unloaded.');
    await expect(answerText(page)).toHaveText('Half a sen');
    await expect(page.getByTestId('resume').last()).toBeVisible();
  });

  test('what it thinks is folded, by field and by tag; its tools are shown', async ({ page }) => {
    await create(page, 'Think', 'echo');
    await connect(page);
    fake.answer = ({ event, say, end }) => {
      event({ choices: [{ delta: { reasoning_content: 'Let me ' } }] });
      event({ choices: [{ delta: { reasoning_content: 'think of it.' } }] });
      say('It is 4.');
      const call = { index: 0, id: 'c1', function: { name: 'add', arguments: '{"a":2,' } };
      event({ choices: [{ delta: { tool_calls: [call] } }] });
      const rest = { index: 0, function: { arguments: '"b":2}' } };
      event({ choices: [{ delta: { tool_calls: [rest] } }] });
      end();
    };
    await ask(page, '2 + 2?');
    await complete(page);
    const thought = page.getByTestId('reasoning');
    await expect(thought).toHaveCount(1);
    await expect(thought.getByText('Let me think of it.')).toBeHidden();
    await thought.getByText('Reasoning').click();
    await expect(thought.getByText('Let me think of it.')).toBeVisible();
    const tool = page.getByTestId('tool');
    await tool.getByText('add').click();
    await expect(tool.locator('pre')).toHaveText('{\n  "a": 2,\n  "b": 2\n}', {
      useInnerText: true,
    });

    fake.answer = ({ say, end }) => {
      for (const piece of ['<th', 'ink>\nFive, I', ' guess.</thi', 'nk>\n\nIt is', ' 5.'])
        say(piece);
      end();
    };
    await ask(page, '2 + 3?');
    await complete(page);
    await expect(thought).toHaveCount(2);
    await expect(answerText(page).locator('.md').last()).toHaveText('It is 5.');
    await thought.last().getByText('Reasoning').click();
    await expect(thought.last()).toContainText('Five, I guess.');
    await page.reload();
    await expect(thought).toHaveCount(2);
    // What it thought does not go back to it.
    await ask(page, 'Sure?');
    await complete(page);
    expect(JSON.stringify(fake.questions.at(-1)?.body)).not.toContain('guess');
  });

  test('a key is forgotten with the tab, unless it is to be kept', async ({ page, context }) => {
    await create(page, 'Keys', 'echo');
    await connect(page);
    const stored = () =>
      page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    expect(JSON.parse(await stored())[0]['chats:keys']).toBeUndefined();
    expect(await stored()).toContain('sk-secret');
    const second = await another(context);
    await open(second, new URL(page.url()).hash);
    await expect(where(second)).toContainText('wants a key, and this tab has none');
    await expect(where(page)).toContainText('Goes to');
    fake.refuse = { status: 401, body: '{"error":"who are you?"}' };
    await ask(second, 'refused');
    const failure = second.getByTestId('failure');
    await expect(failure).toContainText('asked without a key');
    await expect(failure).not.toContainText('CORS');
    forgive(second, /status of 401/);
    fake.refuse = undefined;
    await ask(second, 'from the second tab');
    await complete(second);
    expect(fake.questions.at(-1)?.authorization).toBeUndefined();

    await page.bringToFront();
    await openConnect(page);
    await page.getByRole('button', { name: 'Change “home”' }).click();
    await page.getByTestId('connect-keep').check();
    await page.getByTestId('connect-save').click();
    await expect(page.getByTestId('connect-outcome')).toContainText('answers');
    await page.getByTestId('connect-done').click();
    await second.bringToFront();
    await expect(where(second)).toContainText('Goes to');
    await ask(second, 'once more');
    await complete(second);
    expect(fake.questions.at(-1)?.authorization).toBe('Bearer sk-secret');

    // Removed, it is nowhere any more, and nobody answers.
    await page.bringToFront();
    await openConnect(page);
    await page.getByRole('button', { name: 'Remove “home”' }).click();
    await page.getByTestId('question').getByRole('button', { name: 'Remove' }).click();
    await expect(page.getByTestId('endpoints')).toBeHidden();
    await page.getByTestId('connect-done').click();
    expect(await stored()).not.toContain('sk-secret');
    await expect(where(page)).toContainText('Nobody answers as “home” here');
    await expect(where(second)).toContainText('Nobody answers as “home” here');
  });

  test('an address that is none is not saved', async ({ page }) => {
    await create(page, 'Bad', 'echo');
    await openConnect(page);
    await page.getByTestId('connect-url').fill('javascript:alert(1)');
    await page.getByTestId('connect-save').click();
    await expect(page.getByTestId('connect-outcome')).toContainText('This is no web address');
    await page.getByTestId('connect-url').fill(fake.url);
    await page.getByTestId('connect-name').fill('echo');
    await page.getByTestId('connect-save').click();
    await expect(page.getByTestId('connect-outcome')).toContainText('“echo” is taken');
    expect(fake.asked).toEqual([]);
    await page.getByTestId('connect-done').click();
    await expect(page.getByTestId('chat-brain')).toHaveValue('is:echo');
  });
});

const picture = readFileSync(new URL('../files/picture.png', import.meta.url));

test.describe('files', () => {
  test('chosen, pasted and dropped, they go along, and are there after a reload', async ({
    page,
  }) => {
    await create(page, 'Files', 'echo');
    await connect(page);
    await page.getByTestId('attach-file').setInputFiles([
      { name: 'picture.png', mimeType: 'image/png', buffer: picture },
      { name: 'notes.md', mimeType: 'text/markdown', buffer: Buffer.from('# 메모') },
    ]);
    const chosen = page.getByTestId('attachments').getByTestId('attachment');
    await expect(chosen).toHaveCount(2);
    await expect(chosen.getByRole('img', { name: 'picture.png' })).toBeVisible();
    for (const kind of ['paste', 'drop'] as const) {
      await composer(page).evaluate((field, type) => {
        const data = new DataTransfer();
        data.items.add(new File([`by ${type}`], `${type}.csv`, { type: 'text/csv' }));
        const init = { bubbles: true, cancelable: true };
        field.dispatchEvent(
          type === 'paste'
            ? new ClipboardEvent(type, { ...init, clipboardData: data })
            : new DragEvent(type, { ...init, dataTransfer: data }),
        );
      }, kind);
      await expect(chosen.filter({ hasText: `${kind}.csv` })).toHaveCount(1);
    }
    await composer(page).fill('What is in these?');
    // A draft, with its files.
    await page.reload();
    await expect(composer(page)).toHaveValue('What is in these?');
    await expect(chosen).toHaveCount(4);
    await page.getByRole('button', { name: 'Remove “paste.csv”' }).click();
    await expect(chosen).toHaveCount(3);
    await composer(page).press('Enter');
    await expect(texts(page)).toHaveCount(2);
    await complete(page);
    await expect(chosen).toHaveCount(0);

    const [{ content }] = fake.questions.at(-1)?.body.messages ?? [];
    expect(content).toEqual([
      {
        type: 'image_url',
        image_url: { url: `data:image/png;base64,${picture.toString('base64')}` },
      },
      { type: 'text', text: 'notes.md:\n\n# 메모' },
      { type: 'text', text: 'drop.csv:\n\nby drop' },
      { type: 'text', text: 'What is in these?' },
    ]);
    await page.reload();
    const sent = page.getByTestId('message').first();
    await expect(sent.getByTestId('attachment')).toHaveCount(3);
    const image = sent.getByRole('img', { name: 'picture.png' });
    await expect(image).toBeVisible();
    await expect
      .poll(() => image.evaluate((element: HTMLImageElement) => element.naturalWidth))
      .toBeGreaterThan(0);
    await expect(sent).toContainText('notes.md');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      sent.getByRole('button', { name: 'Download “notes.md”' }).click(),
    ]);
    expect(readFileSync(await download.path(), 'utf8')).toBe('# 메모');
    // Said anew, the files stay with it.
    await sent.hover();
    await sent.getByTestId('edit').click();
    await page.getByTestId('message-field').fill('And now?');
    await page.getByTestId('message-field').press('Enter');
    await complete(page);
    await expect(sent.getByTestId('attachment')).toHaveCount(3);
    expect(fake.questions.at(-1)?.body.messages[0].content).toHaveLength(4);
  });

  test('Enter before they are kept sends them when they are, unless one writes on', async ({
    page,
  }) => {
    await create(page, 'Fast', 'claude');
    // In one turn: nothing can have been kept by then.
    const enter = (text: string, then: string) =>
      composer(page).evaluate(
        (field: HTMLTextAreaElement, [text = '', then = '']) => {
          const data = new DataTransfer();
          data.items.add(new File([text], `${text}.csv`, { type: 'text/csv' }));
          const input = document.querySelector('[data-testid="attach-file"]') as HTMLInputElement;
          input.files = data.files;
          input.dispatchEvent(new Event('change'));
          const write = (text: string) => {
            field.value = text;
            field.dispatchEvent(new Event('input', { bubbles: true }));
          };
          write(text);
          field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
          if (then) write(then);
        },
        [text, then],
      );
    await enter('with it', '');
    const sent = page.getByTestId('message').first();
    await expect(sent.getByTestId('attachment')).toContainText('with it.csv');
    await expect(sent).toContainText('with it');
    await expect(composer(page)).toHaveValue('');
    await enter('not yet', 'not yet, but');
    const chosen = page.getByTestId('attachments').getByTestId('attachment');
    await expect(chosen).toContainText('not yet.csv');
    await expect(composer(page)).toHaveValue('not yet, but');
    await expect(page.getByTestId('message')).toHaveCount(1);
  });

  test('one alone can be sent; one that is no picture is not shown as one', async ({ page }) => {
    await create(page, 'Alone', 'claude');
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg"><script>document.title="ran"</script></svg>';
    await page.getByTestId('attach-file').setInputFiles([
      { name: 'drawing.svg', mimeType: 'image/svg+xml', buffer: Buffer.from(svg) },
      { name: 'false.png', mimeType: 'image/png', buffer: Buffer.from('no picture') },
    ]);
    await expect(page.getByTestId('attachments').getByTestId('attachment')).toHaveCount(2);
    await page.getByTestId('send').click();
    await saved(page);
    const sent = page.getByTestId('message').first();
    await expect(sent.getByRole('button', { name: 'Download “drawing.svg”' })).toBeVisible();
    await expect(sent.getByRole('button', { name: 'Download “false.png”' })).toBeVisible();
    await expect(sent.locator('img')).toHaveCount(0);
  });
});

test.describe('the brains of the page', () => {
  test('the offline one looks through the chats, counts them, tells of the last week', async ({
    page,
  }) => {
    await create(page, 'Trip to 부산', 'claude');
    await say(page, 'We stay near Haeundae beach for two nights.');
    await create(page, 'Bread', 'gpt');
    await say(page, '사워도우 식빵은 발효가 중요하다');
    await create(page, 'Ask', 'offline');
    await ask(page, 'What did I say about Haeundae?');
    await complete(page);
    await expect(answerText(page)).toContainText('1 chat with Haeundae');
    await expect(answerText(page).locator('b')).toHaveText('Haeundae');
    await ask(page, '식빵에 대해 뭐라고 했지?');
    await complete(page);
    await expect(answerText(page)).toContainText('사워도우');
    for (const question of ['빵에 대해 뭐라고 했지?', '빵 이야기 어디 있어?', '빵은?']) {
      await ask(page, question);
      await complete(page);
      await expect(answerText(page)).toContainText('“빵”');
      await expect(answerText(page)).toContainText('사워도우');
    }
    await ask(page, 'How many chats do I have?');
    await complete(page);
    await expect(answerText(page)).toContainText('There are 3 chats here');
    await expect(answerText(page).locator('tbody tr')).toHaveCount(3);
    await ask(page, '지난주에 무슨 얘기를 했지?');
    await complete(page);
    await expect(answerText(page).getByRole('link')).toHaveText(['Bread', 'Trip to 부산']);
    // A title leads to its chat.
    await answerText(page).getByRole('link', { name: 'Trip to 부산' }).click();
    await expect(page.getByTestId('chat-title')).toHaveText('Trip to 부산');
    expect(fake.asked).toEqual([]);
  });

  test('a message is copied, a chat begun anew from it', async ({ page, context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await create(page, 'First', 'echo');
    await ask(page, 'One **bold** word');
    await complete(page);
    await ask(page, 'Two');
    await complete(page);
    const answer = page.getByTestId('message').nth(1);
    await answer.hover();
    await answer.getByRole('button', { name: 'Copy this message' }).click();
    await expect(page.getByTestId('announcements')).toHaveText('Copied.');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('One **bold** word');

    const before = page.url();
    await answer.getByRole('button', { name: 'New chat from here' }).click();
    await expect(texts(page)).toHaveText(['One **bold** word', 'One bold word']);
    expect(page.url()).not.toBe(before);
    await expect(toast(page)).toContainText('This is a new chat. It is “First” up to here.');
    await ask(page, 'Three');
    await complete(page);
    await page.goBack();
    await expect(texts(page)).toHaveText(['One **bold** word', 'One bold word', 'Two', 'Two']);
  });

  test('nobody answers to another name, and that is said', async ({ page }) => {
    await create(page, 'Old', 'claude');
    await expect(where(page)).toContainText('Nobody answers as “claude” here');
    await say(page, 'Hello?');
    await writeAs(page, 'Assistant');
    await say(page, '# Not a heading of the page\n\n| a | b |\n|---|---|\n| 1 | 2 |');
    await expect(answerText(page).getByRole('heading', { level: 3 })).toHaveText(
      'Not a heading of the page',
    );
    await expect(answerText(page).getByRole('cell')).toHaveText(['1', '2']);
    await chooseBrain(page, 'chat-brain', 'offline');
    await expect(where(page)).toContainText('Nothing you write leaves this device');
  });
});
