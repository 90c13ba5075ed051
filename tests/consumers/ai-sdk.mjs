/**
 * examples/ai-sdk in Chromium: what its README says that it does. The store is looked at through the
 * package itself, opened by its page once more, as another tab would.
 */

import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import { serveFiles } from './lib/static-server.mjs';

/** How many lines these files have together. */
async function lines(project, ...names) {
  const texts = await Promise.all(names.map((name) => readFile(project.path(name), 'utf8')));
  return texts.join('').trimEnd().split('\n').length;
}

/** @param {import('./consumers.mjs').Tools} tools */
export async function checkExample({ project, browser }) {
  const example = await project('../../examples/ai-sdk');
  const own = await lines(example, 'main.tsx', 'index.html', 'tsconfig.json');
  assert.ok(own < 80, `the app has ${own} lines`);
  const model = await lines(example, 'model.ts');
  assert.ok(model <= 30, `what stands for the server has ${model} lines`);

  await example.run('tsc', ['--project', '.']);
  // Its dependencies have directives for servers, of which the bundler warns.
  await example.run('vite', ['build', '--logLevel', 'error']);
  await cp(example.path('node_modules/conversation-store/dist'), example.path('dist/package'), {
    recursive: true,
  });
  await serveFiles(example.path('dist'), {}, (url) =>
    browser.visit(url, async (page, errors) => {
      const tab = await Tab.of(page);
      await answersAndReload(tab);
      await branches(tab);
      await approvals(tab);
      await unchanged(tab);
      await browser.visit(url, async (page) => {
        const other = await Tab.of(page);
        await twoTabs(tab, other);
        await staleTab(tab, other);
      });
      errors.take(/the chat has gone on since/);
    }),
  );
}

async function answersAndReload(tab) {
  await tab.say('hello');
  await tab.has(['hello', 'You said: hello']);
  await tab.reload();
  await tab.has(['hello', 'You said: hello']);
}

async function branches(tab) {
  await tab.click('Regenerate', 1);
  await tab.has(['hello', 'You said: hello'], 3);
  assert.deepEqual(await tab.siblings(1), [false, true], 'an answer and the one after it');
  tab.answer('bye');
  await tab.click('Edit', 0);
  await tab.has(['bye', 'You said: bye'], 5);
  assert.deepEqual(await tab.siblings(0), [false, true], 'a question and what became of it');
  await tab.reload();
  await tab.has(['bye', 'You said: bye'], 5);
}

async function approvals(tab) {
  const before = ['bye', 'You said: bye'];
  await tab.say('erase notes.txt');
  await tab.has([...before, 'erase notes.txt', 'approval-requested']);
  await tab.reload();
  await tab.has([...before, 'erase notes.txt', 'approval-requested']);
  await tab.click('Yes', 3);
  await tab.has([...before, 'erase notes.txt', 'output-available']);
  await tab.reload();
  await tab.has([...before, 'erase notes.txt', 'output-available']);
  await tab.click('Regenerate', 3);
  await tab.has([...before, 'erase notes.txt', 'approval-requested']);
  await tab.click('No', 3);
  await tab.has([...before, 'erase notes.txt', 'output-denied'], 8);
}

async function unchanged(tab) {
  const kinds = await tab.page.evaluate(async () => {
    const { store } = window.inspector;
    const rows = await store.messagesFor('example');
    const changes = [];
    const marked = new Promise((resolve) => {
      store.addEventListener('change', ({ detail }) => {
        changes.push(...detail.changes);
        if (changes.some(({ kind }) => kind === 'conversation')) resolve();
      });
    });
    const same = rows.map(({ uid: id, role, parts, metadata }) => ({ id, role, parts, metadata }));
    await store.saveMessages('example', same, { head: rows.at(-1).uid });
    await store.saveMessages('example', same);
    // Changes come in order: what these had written would be told before this.
    await store.updateConversation('example', { title: 'marked' });
    await marked;
    return changes.map(({ kind }) => kind);
  });
  assert.deepEqual(kinds, ['conversation'], 'a chat that did not change was written');
}

async function twoTabs(first, second) {
  await second.say('from the second');
  const said = ['from the second', 'You said: from the second'];
  await second.shows(said);
  await first.shows(said);
  await first.say('from the first');
  const answered = [...said, 'from the first', 'You said: from the first'];
  await first.shows(answered);
  await second.shows(answered);
  await second.click('Regenerate', 7);
  await first.has(answered, 13);
  await second.has(answered, 13);
}

/** One tab goes on while the other's answer is under way: nothing of the first is pushed away. */
async function staleTab(stale, other) {
  await stale.holdAnswers();
  await stale.say('slow');
  await other.shows(['slow']);
  await other.say('quick');
  await other.has(['slow', 'quick', 'You said: quick']);
  await stale.releaseAnswers();
  await stale.has(['slow', 'quick', 'You said: quick']);
  await stale.say('again');
  for (const tab of [stale, other]) {
    await tab.has(['slow', 'quick', 'You said: quick', 'again', 'You said: again']);
  }
}

/** The app in a tab. */
class Tab {
  constructor(page) {
    this.page = page;
  }

  static async of(page) {
    const tab = new Tab(page);
    await tab.#inspect();
    return tab;
  }

  async reload() {
    await this.page.reload();
    await this.#inspect();
  }

  /** Follows what is stored, as `window.inspector.stored`. */
  async #inspect() {
    await this.page.evaluate(async () => {
      const { ConversationStore } = await import(`${location.origin}/package/index.js`);
      const store = await ConversationStore.open();
      window.inspector = { store, stored: { path: [], all: 0 } };
      const text = (part) => part.text ?? part.state ?? '';
      store.watchMessages('example').subscribe((rows) => {
        window.inspector.stored.path = rows.map(({ parts }) => parts.map(text).join(''));
      });
      store.watchMessages('example', { branches: 'all' }).subscribe((rows) => {
        window.inspector.stored.all = rows.length;
      });
    });
  }

  async say(text) {
    await this.page.locator('input[name=text]').fill(text);
    await this.page.locator('input[name=text]').press('Enter');
  }

  /** Presses a button of the message at this place. */
  async click(label, index) {
    await this.page.locator('p').nth(index).getByRole('button', { name: label }).click();
  }

  /** What to type into the next prompt. */
  answer(text) {
    this.page.once('dialog', (dialog) => dialog.accept(text));
  }

  /** Answers come through timers of no delay: keeps those that are set from now on. */
  async holdAnswers() {
    await this.page.evaluate(() => {
      const { setTimeout } = window;
      const held = [];
      window.setTimeout = (run, delay, ...rest) =>
        delay === 0 ? held.push(run) : setTimeout(run, delay, ...rest);
      window.release = () => {
        window.setTimeout = setTimeout;
        for (const run of held) run();
      };
    });
  }

  async releaseAnswers() {
    await this.page.evaluate(() => window.release());
  }

  /** Waits until the page shows these messages last, and nothing after them. */
  async shows(messages) {
    await this.#until(
      'shown',
      (expected) => {
        const shown = [...document.querySelectorAll('p')].map((entry) => entry.textContent);
        return JSON.stringify(shown.slice(-expected.length)) === JSON.stringify(expected);
      },
      messages,
    );
  }

  /**
   * Waits until these are shown and stored.
   *
   * @param {string[]} messages the path
   * @param {number} [all] how many are stored in all branches
   */
  async has(messages, all) {
    await this.shows(messages);
    await this.#until(
      'stored',
      ({ messages, all }) => {
        const { stored } = window.inspector;
        const path = stored.path.slice(-messages.length);
        return (
          JSON.stringify(path) === JSON.stringify(messages) &&
          (all === undefined || stored.all === all)
        );
      },
      { messages, all },
    );
  }

  /** Of the message at this place of the path and those beside it: which is on the path. */
  async siblings(index) {
    return this.page.evaluate(async (index) => {
      const { store } = window.inspector;
      const rows = await store.messagesFor('example');
      return (await store.branches(rows[index].id)).map(({ onPath }) => onPath);
    }, index);
  }

  async #until(what, condition, expected) {
    try {
      await this.page.waitForFunction(condition, expected, { timeout: 20_000 });
    } catch (error) {
      const found = await this.page.evaluate(() => ({
        shown: document.body.textContent,
        stored: window.inspector.stored,
      }));
      const text = `not ${what}: ${JSON.stringify(expected)}\nbut ${JSON.stringify(found)}`;
      throw new Error(text, { cause: error });
    }
  }
}
