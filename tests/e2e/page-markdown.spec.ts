// What answers are made of, while they come and afterwards: Markdown with code and formulas, in Korean as
// in English. A model on loopback says it in pieces. Nothing here waits for time to pass.

import { expect, type Page, test } from '@playwright/test';
import { FakeOpenAi } from './fake-openai.js';
import { allowed, composer, create, forgive, guard, open, texts } from './page.js';

guard();

let fake: FakeOpenAi;

test.beforeEach(async ({ page }) => {
  fake = await FakeOpenAi.start();
  allowed.add(fake.host);
  // As it would stand there once it was connected.
  await page.addInitScript((url) => {
    const endpoint = { name: 'home', url, model: 'small', keyPlace: 'tab' };
    localStorage.setItem('chats:endpoints', JSON.stringify([endpoint]));
  }, fake.url);
});

test.afterEach(() => fake.stop());

const answer = (page: Page) => texts(page).last();
const last = (page: Page) => page.getByTestId('message').last();

async function ask(page: Page): Promise<void> {
  const count = await texts(page).count();
  await composer(page).fill('Say it.');
  await composer(page).press('Enter');
  await expect(texts(page)).toHaveCount(count + 2);
}

/** Has the model say a text, in one piece. */
async function said(page: Page, text: string): Promise<void> {
  fake.answer = ({ say, end }) => {
    say(text);
    end();
  };
  await ask(page);
  await expect(last(page)).toHaveAttribute('data-status', 'complete');
}

/** Numbers below a bound, the same ones in each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const EVERYTHING = `# A heading with \`code\`

A paragraph with **bold**, *italic*, ~~struck~~ and a [link](https://example.com "its title"),
and a second line.  
After a hard break.

## A list

- one
- two
  1. first
  2. second

     with a paragraph

- [x] done
- [ ] not done

| left | centre | right |
| :--- | :----: | ----: |
| a \\| b | **c** | $d^2$ |
| 1 | 2 | 3 |

\`\`\`ts
const answer: number = 42; // $not$ a formula

export { answer };
\`\`\`

> A quotation
> of two lines
>
> - with a list

Euler: $e^{i\\pi} + 1 = 0$, costs $5 and $10.

$$
\\int_0^1 x^2\\,dx = \\frac{1}{3}
$$

***

**“강조”**는 되어야 하고, **한국어(Korean)**도 마찬가지입니다.

A setext heading
---

<kbd>Ctrl</kbd> + <kbd>K</kbd>, H<sub>2</sub>O and &lt;angles&gt; &copy; &#44032;

Term with a [reference][ref].

[ref]: https://example.org/reference

The end.`;

test('the same, whether it comes in pieces or is read at once', async ({ page }) => {
  test.setTimeout(120_000);
  await create(page, 'Pieces', 'home');
  const shape = () =>
    answer(page)
      .locator('.md')
      .evaluate((element) => element.innerHTML.replace(/>\s+</g, '><'));
  const coloured = () => expect(answer(page).locator('.hljs-keyword').first()).toBeVisible();
  const drawn = () => expect(answer(page).locator('.math[data-drawn]')).toHaveCount(3);
  const shapes: string[] = [];
  for (const seed of [1, 2]) {
    const below = numbers(seed);
    fake.answer = async ({ say, end }) => {
      for (let from = 0; from < EVERYTHING.length; ) {
        const piece = EVERYTHING.slice(from, from + 1 + below(40));
        from += piece.length;
        say(piece);
        // In events of their own, as a model's are.
        await new Promise((resolve) => setImmediate(resolve));
        if (below(12) === 0) {
          // What came until now is on show before the next comes.
          const words = EVERYTHING.slice(0, from)
            .match(/\p{L}{3,}(?=\s)/gu)
            ?.at(-1);
          if (words) await expect(answer(page)).toContainText(words);
        }
      }
      end();
    };
    await ask(page);
    await expect(last(page)).toHaveAttribute('data-status', 'complete', { timeout: 30_000 });
    await coloured();
    await drawn();
    shapes.push(await shape());
  }
  await page.reload();
  await coloured();
  await drawn();
  shapes.push(await shape());
  expect(shapes[0]).toBe(shapes[2]);
  expect(shapes[1]).toBe(shapes[2]);

  const place = answer(page);
  await expect(place.getByRole('heading')).toHaveText([
    'A heading with code',
    'A list',
    'A setext heading',
  ]);
  // Below the title of the chat, and no level is skipped.
  const levels = await place
    .getByRole('heading')
    .evaluateAll((all) => all.map(({ localName }) => localName));
  expect(levels).toEqual(['h3', 'h4', 'h4']);
  await expect(place.getByRole('link')).toHaveCount(2);
  await expect(place.getByRole('link', { name: 'reference' })).toHaveAttribute(
    'href',
    'https://example.org/reference',
  );
  for (const link of await place.getByRole('link').all()) {
    await expect(link).toHaveAttribute('target', '_blank');
    await expect(link).toHaveAttribute('rel', /noopener/);
  }
  await expect(place.getByRole('columnheader')).toHaveText(['left', 'centre', 'right']);
  await expect(place.getByRole('cell').first()).toHaveText('a | b');
  await expect(place.locator('.md-check[data-checked="true"]')).toHaveCount(1);
  await expect(place.locator('math')).toHaveCount(3);
  await expect(place.locator('strong')).toHaveText(['bold', 'c', '“강조”', '한국어(Korean)']);
  await expect(place.locator('kbd')).toHaveText(['Ctrl', 'K']);
  await expect(place).toContainText('costs $5 and $10.');
  await expect(place).toContainText('<angles> © 가');
});

test('what stands above stays as it is while more comes', async ({ page }) => {
  await create(page, 'Selection', 'home');
  let go = () => {};
  const told = new Promise<void>((resolve) => {
    go = resolve;
  });
  fake.answer = async ({ say, end }) => {
    say('The first paragraph.\n\nThe second');
    await told;
    say(' one goes on.\n\n```js\nlet a = 1;\n```\n\nThe third.');
    end();
  };
  await ask(page);
  await expect(answer(page)).toContainText('The second');
  await answer(page)
    .locator('p')
    .first()
    .evaluate((paragraph) => {
      getSelection()?.selectAllChildren(paragraph);
      paragraph.dataset.mark = 'same';
    });
  go();
  await expect(last(page)).toHaveAttribute('data-status', 'complete');
  await expect(answer(page)).toContainText('The third.');
  expect(await page.evaluate(() => getSelection()?.toString())).toBe('The first paragraph.');
  await expect(answer(page).locator('[data-mark="same"]')).toHaveCount(1);
});

test('colours, formulas and the cleaner of HTML are fetched when a message first needs them', async ({
  page,
}) => {
  const fetched: string[] = [];
  page.on('request', (request) => {
    const name = /assets\/(math|highlighter|purify|python)-/.exec(request.url())?.[1];
    if (name) fetched.push(name);
  });
  await create(page, 'Lazy', 'home');
  await said(page, 'Only **words**.');
  expect(fetched).toEqual([]);
  await said(page, '```py\nx = 1\n```');
  await expect(answer(page).locator('.hljs-number')).toHaveText('1');
  expect(fetched).toEqual(['highlighter', 'python']);
  await said(page, '$x^2$');
  await expect(answer(page).locator('math')).toHaveCount(1);
  await said(page, '<details><summary>More</summary>Hidden</details>');
  await expect(answer(page).locator('details')).toHaveCount(1);
  expect(fetched).toEqual(['highlighter', 'python', 'math', 'purify']);
});

test('HTML that is harmless is shown as such, any other as it was written', async ({ page }) => {
  await create(page, 'HTML', 'home');
  await said(
    page,
    '<details><summary>More</summary><p>With a <a href="https://example.com">link</a></p></details>',
  );
  const details = answer(page).locator('details');
  await details.getByText('More').click();
  await expect(details.getByRole('link')).toHaveAttribute('rel', /noopener/);
  for (const html of [
    '<div class="x">one</div>',
    '<form action="https://example.com"><button>x</button></form>',
    '<p style="position:fixed">x</p>',
    '<div>\n<input value="1">\n</div>',
  ]) {
    await said(page, html);
    await expect(answer(page)).toHaveText(html, { useInnerText: true });
  }
});

test('pictures of elsewhere are links and are not fetched; those in the text are shown', async ({
  page,
}) => {
  await create(page, 'Pictures', 'home');
  const pixel =
    'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
  await said(page, `![A cat](https://example.com/cat.png)\n\n![A dot](${pixel})`);
  await expect(answer(page).getByRole('link', { name: 'A cat' })).toHaveAttribute(
    'href',
    'https://example.com/cat.png',
  );
  const image = answer(page).getByRole('img', { name: 'A dot' });
  await expect
    .poll(() => image.evaluate((element: HTMLImageElement) => element.naturalWidth))
    .toBe(1);
  // That nothing was asked of elsewhere is held by the guard of each test.
});

test('nothing needs markup to be parsed: all of it under Trusted Types', async ({ page }) => {
  await open(page);
  await create(page, 'Types', 'home');
  // The policy of every page here is in force.
  const refused = await page.evaluate(() => {
    try {
      document.createElement('div').innerHTML = '<b>x</b>';
      return false;
    } catch {
      return true;
    }
  });
  expect(refused).toBe(true);
  forgive(page, /TrustedHTML/);
  await said(page, `${EVERYTHING}\n\n<details><summary>More</summary>Hidden</details>`);
  await expect(answer(page).locator('.hljs-keyword').first()).toBeVisible();
  await expect(answer(page).locator('.math[data-drawn]')).toHaveCount(3);
  await expect(answer(page).locator('details')).toHaveCount(1);
  await page.getByTestId('chat-settings').click();
  await page.getByTestId('settings-save').click();
  await expect(page.getByTestId('settings-dialog')).toBeHidden();
});
