/** Search from a page, as it leads and as it follows: complete after every kind of write. */

import { type BrowserContext, expect, type Page } from '@playwright/test';
import { load, test } from './browser.js';

declare global {
  interface Window {
    /** What is found, as `title` or the id of a message, in the order of the ids. */
    found(query: string, options?: object): Promise<(number | string)[]>;
  }
}

/** A tab that has the database open as `store`. The first one leads. */
async function tab(context: BrowserContext, name: string, page?: Page): Promise<Page> {
  const opened = await load(page ?? (await context.newPage()));
  await opened.evaluate(async (database) => {
    window.store = await window.Store.open(database);
    window.found = async (query, options) => {
      const hits = await window.store.search(query, { limit: 10_000, ...options });
      return hits
        .map(({ kind, message, conversation }) =>
          kind === 'title' ? conversation.title : (message?.id ?? Number.NaN),
        )
        .sort((a, b) => Number(a) - Number(b));
    };
  }, name);
  return opened;
}

for (const role of ['leader', 'follower'] as const) {
  test(`after every kind of write, from a ${role}`, async ({ page, context }) => {
    const leader = await tab(context, 'writes', page);
    const at = role === 'leader' ? leader : await tab(context, 'writes');
    const seen = await at.evaluate(async () => {
      const { store, found } = window;
      const { role } = await store.status();
      const id = await store.createConversation('회의 준비');
      const first = await store.addMessage(id, 'user', '오늘회의록을 정리해 주세요');
      const cafe = await store.addMessage(id, 'assistant', 'au cafe\u0301, C++ ends here: 끝');
      const written = {
        korean: await found('회의'),
        syllable: await found('록'),
        accent: await found('CAFÉ'),
        cafe: await found('cafe "ends here"'),
        last: await found('끝'),
        excluded: await found('회의 -오늘'),
        role: await found('회의', { role: 'user' }),
        nothing: [await found(''), await found('-오늘'), await found('없다')],
      };
      await store.updateMessage(cafe.id, { content: 'tea with 우유' });
      const edited = [await found('cafe'), await found('우유')];
      await store.updateConversation(id, { title: 'renamed' });
      const renamed = [await found('준비'), await found('RENAME')];
      const other = await store.addMessage(id, 'user', '다른 가지 회의', { parentId: null });
      const branched = await found('회의');
      await store.updateConversation(id, { archived: true });
      const archived = [await found('회의'), await found('회의', { archived: true })];
      await store.updateConversation(id, { archived: false, trashed: true });
      const trashed = [await found('회의'), await found('회의', { conversationId: id })];
      await store.updateConversation(id, { trashed: false });
      await store.deleteMessage(first.id);
      const deleted = await found('회의');
      const gone = await store.createConversation('gone');
      await store.addMessage(gone, 'user', 'of a gone chat');
      await store.deleteConversation(gone);
      const without = await found('gone');
      await store.clear();
      const cleared = await found('회의');
      return {
        role,
        ids: { first: first.id, cafe: cafe.id, other: other.id },
        ...{ written, edited, renamed, branched, archived, trashed, deleted, without, cleared },
      };
    });
    const { first, cafe, other } = seen.ids;
    expect(seen).toEqual({
      role,
      ids: seen.ids,
      written: {
        korean: ['회의 준비', first].sort((a, b) => Number(a) - Number(b)),
        syllable: [first],
        accent: [cafe],
        cafe: [cafe],
        last: [cafe],
        excluded: ['회의 준비'],
        role: [first],
        nothing: [[], [], []],
      },
      edited: [[], [cafe]],
      renamed: [[], ['renamed']],
      branched: [first, other],
      archived: [[], [first, other]],
      trashed: [[], [first, other]],
      deleted: [other],
      without: [],
      cleared: [],
    });
  });

  test(`text that still streams, from a ${role}`, async ({ page, context }) => {
    const leader = await tab(context, 'streams', page);
    const at = role === 'leader' ? leader : await tab(context, 'streams');
    const other = role === 'leader' ? await tab(context, 'streams') : leader;
    const id = await at.evaluate(async () => {
      const { store } = window;
      const id = await store.createConversation('stream');
      const stream = await store.messageWriter(id);
      const writer = stream.getWriter();
      for (const text of ['안녕', '하세요 he', 'llo', ' wor', 'ld']) {
        await writer.write(text);
        await stream.flush();
      }
      Object.assign(window, { writer });
      return stream.message.id;
    });
    for (const each of [at, other]) {
      const found = await each.evaluate(async () => [
        await window.found('녕하세'),
        await window.found('"hello world"'),
        await window.found('bye'),
      ]);
      expect(found).toEqual([[id], [id], []]);
    }
    await at.evaluate(async () => {
      const { writer } = window as unknown as { writer: WritableStreamDefaultWriter<string> };
      await writer.write(' bye');
      await writer.close();
    });
    for (const each of [at, other]) {
      expect(await each.evaluate(() => window.found('world bye'))).toEqual([id]);
    }
  });
}

test('backup holds no word of what was deleted, restore and import are found', async ({
  page,
  context,
}) => {
  await tab(context, 'files', page);
  const seen = await page.evaluate(async () => {
    const { store, found } = window;
    const id = await store.createConversation('kept');
    const added = Array.from({ length: 600 }, (_, n) =>
      store.addMessage(id, 'user', `plain words ${n} Zyxwvut${n % 2}`),
    );
    const secret = await store.addMessage(id, 'user', 'Qqsecretqq 비밀번호');
    const edited = await store.addMessage(id, 'user', 'Wwbeforeww');
    // A search that finds this many not yet taken in does that first.
    const rest = Array.from({ length: 2_500 }, (_, n) => store.addMessage(id, 'user', `more ${n}`));
    const rows = await Promise.all(added);
    await Promise.all(rest);
    await found('secret');
    await store.updateMessage(edited.id, { content: 'after' });
    await store.deleteMessage(secret.id);
    const file = await store.backup();
    const bytes = new TextDecoder('latin1').decode(await file.arrayBuffer()).toLowerCase();
    const utf8 = (text: string) =>
      new TextDecoder('latin1').decode(new TextEncoder().encode(text)).toLowerCase();
    const holds = ['qqsecretqq', utf8('비밀번호'), 'wwbeforeww', 'zyxwvut1'].map((word) =>
      bytes.includes(word),
    );
    const before = (await found('Zyxwvut1')).length;
    await store.clear();
    const cleared = await found('Zyxwvut1');
    const report = await store.import([
      { title: '가져온 대화', messages: [{ role: 'user', content: '가져온글 imported' }] },
    ]);
    const imported = (await found('온글')).length;
    await store.restore(file);
    const restored = (await found('zyxwvut1')).length;
    const others = [await found('온글'), await found('secret'), await found('before')];
    await store.addMessage(id, 'user', 'after the restore 회의');
    const last = (await found('의')).length;
    return {
      ...{ holds, before, cleared, imported, restored, others, last },
      rows: rows.length,
      created: report.messages.created,
    };
  });
  expect(seen).toEqual({
    holds: [false, false, false, true],
    before: 300,
    cleared: [],
    imported: 1,
    restored: 300,
    others: [[], [], []],
    last: 1,
    rows: 600,
    created: 1,
  });
});

test('pages by cursor and groups with their counts', async ({ page, context }) => {
  await tab(context, 'pages', page);
  const seen = await page.evaluate(async () => {
    const { store } = window;
    for (let chat = 0; chat < 7; chat += 1) {
      const id = await store.createConversation(chat === 3 ? 'apple pie' : `chat ${chat}`);
      for (let n = 0; n <= chat; n += 1) await store.addMessage(id, 'user', `apple ${chat} ${n}`);
    }
    const pages = async (options: object, limit: number) => {
      const all = [];
      for (let after: string | undefined; ; ) {
        const hits = await store.search('apple', { ...options, limit, ...(after && { after }) });
        all.push(...hits);
        after = hits.at(-1)?.cursor;
        // Cursors survive JSON and a write in between.
        after = after && JSON.parse(JSON.stringify(after));
        if (hits.length < limit) return all;
      }
    };
    const key = (hit: Awaited<ReturnType<typeof store.search>>[number]) =>
      `${hit.kind} ${hit.message?.id ?? hit.conversation.id}`;
    const orders = [];
    for (const order of ['relevance', 'newest'] as const) {
      const whole = (await store.search('apple', { order, limit: 1000 })).map(key);
      const paged = (await pages({ order }, 4)).map(key);
      const groups = await pages({ order, group: true }, 2);
      orders.push({
        count: whole.length,
        same: JSON.stringify(paged) === JSON.stringify(whole),
        distinct: new Set(whole).size,
        groups: Object.fromEntries(
          groups.map(({ conversation, count }) => [conversation.title, count]),
        ),
        given: groups.length,
      });
    }
    const newest = await store.search('apple', { order: 'newest', limit: 3 });
    const [hit] = await store.search('apple 6 5');
    return {
      orders,
      newest: newest.map(({ message }) => message?.conversationId),
      hit: hit && {
        keys: Object.keys(hit.message ?? {}).filter((name) =>
          ['content', 'parts', 'source'].includes(name),
        ),
        tags: hit.conversation.tags,
        marked: hit.ranges.map(([start, end]) => hit.snippet.slice(start, end)),
      },
    };
  });
  const groups = {
    ...{ 'chat 0': 1, 'chat 1': 2, 'chat 2': 3, 'apple pie': 5 },
    ...{ 'chat 4': 5, 'chat 5': 6, 'chat 6': 7 },
  };
  const order = { count: 29, same: true, distinct: 29, groups, given: 7 };
  expect(seen.orders).toEqual([order, order]);
  expect(new Set(seen.newest).size).toBe(1);
  expect(seen.hit).toEqual({ keys: [], tags: [], marked: ['apple', '6', '5'] });
});

test('bad input is refused by name, a signal ends it', async ({ page, context }) => {
  const leader = await tab(context, 'refusals', page);
  const follower = await tab(context, 'refusals');
  await leader.evaluate(async () => {
    const id = await window.store.createConversation('apple');
    await window.store.addMessage(id, 'user', 'apple');
  });
  for (const each of [leader, follower]) {
    const seen = await each.evaluate(async () => {
      const { store } = window;
      // biome-ignore lint/suspicious/noExplicitAny: wrong types are the point.
      const any = store as any;
      const refusals: [string, () => Promise<unknown>][] = [
        ['query', () => any.search()],
        ['query', () => any.search(5)],
        ['query', () => any.search(null)],
        ['query', () => any.search({})],
        ['query', () => store.search('a'.repeat(10_001))],
        ['limit', () => store.search('apple', { limit: 0 })],
        ['limit', () => any.search('apple', { limit: '5' })],
        ['limit', () => store.search('apple', { limit: 1.5 })],
        ['order', () => any.search('apple', { order: 'x' })],
        ['after', () => store.search('apple', { after: 'x' })],
        ['after', () => any.search('apple', { after: 5 })],
        ['role', () => any.search('apple', { role: 'bot' })],
        ['since', () => store.search('apple', { since: 'soon' })],
        ['archived', () => any.search('apple', { archived: 'some' })],
        ['group', () => any.search('apple', { group: 1 })],
      ];
      const wrong: string[] = [];
      for (const [name, call] of refusals) {
        try {
          await call();
          wrong.push(`${name}: ${call} resolved`);
        } catch (error) {
          const { code, message } = error as { code: string; message: string };
          if (code !== 'invalid-argument' || !message.includes(name)) {
            wrong.push(`${name}: ${call}: ${code}: ${message}`);
          }
        }
      }
      const [first] = await store.search('apple', { limit: 1 });
      const foreign = await window.code(store.search('apple pie', { after: first?.cursor ?? '' }));
      const none = [
        await store.search('apple', { brain: 'nobody' }),
        await store.search('apple', { conversationId: 'nowhere' }),
        await store.search('apple', { brain: 'claude', until: 0 }),
      ];
      const before = new AbortController();
      before.abort('enough');
      const after = new AbortController();
      const aborted = store.search('apple', { limit: 5, signal: after.signal });
      after.abort();
      return {
        wrong,
        foreign,
        none,
        aborted: [
          await window.code(store.search('apple', { signal: before.signal })),
          await window.code(store.search('apple', {}, { signal: before.signal })),
          await window.code(aborted),
        ],
        still: (await store.search('apple', { signal: new AbortController().signal })).length,
      };
    });
    expect(seen).toEqual({
      wrong: [],
      foreign: 'invalid-argument',
      none: [[], [], []],
      aborted: ['aborted', 'aborted', 'aborted'],
      still: 2,
    });
  }
});

test('while another tab imports, it sees all that was acknowledged before it began', async ({
  page,
  context,
}) => {
  test.setTimeout(120_000);
  const importer = await tab(context, 'importing', page);
  const searcher = await tab(context, 'importing');
  const all = 5_000;
  const done = importer.evaluate(async (count) => {
    const chats = Array.from({ length: count / 50 }, (_, chat) => ({
      title: `t${chat}`,
      messages: Array.from({ length: 50 }, (_, n) => ({
        role: 'user',
        content: `words that many have 회의록, of one alone: only${chat * 50 + n}x`,
      })),
    }));
    await window.store.import(chats);
  }, all);
  const seen = await searcher.evaluate(async (count) => {
    const { store } = window;
    const id = await store.createConversation('mine');
    let acknowledged = 0;
    let imported = 0;
    const wrong: string[] = [];
    let during = 0;
    while (imported < count) {
      await store.addMessage(id, 'user', `mine회의 ${acknowledged}`);
      acknowledged += 1;
      // What was listed was acknowledged: so many rows are there before the search begins.
      const before = (await store.listConversations({ limit: 1_000 })).reduce(
        (sum, { title, messageCount }) => sum + (title === 'mine' ? 0 : messageCount),
        0,
      );
      const hits = await store.search('회의', { limit: 20_000, role: 'user' });
      const mine = hits.filter(({ conversation }) => conversation.id === id).length;
      const others = hits.length - mine;
      if (mine !== acknowledged) wrong.push(`${mine} of ${acknowledged} own`);
      if (others < before || others > count) wrong.push(`${others} of ${before}`);
      if (others > imported && others < count) during += 1;
      imported = others;
    }
    return { wrong, during };
  }, all);
  await done;
  expect(seen.wrong).toEqual([]);
  // The searches were among the batches of the import, not after it.
  expect(seen.during).toBeGreaterThan(0);
  const each = await searcher.evaluate(async () => [
    (await window.found('only4999x')).length,
    (await window.found('only499')).length,
  ]);
  expect(each).toEqual([1, 11]);
});

test('thousands of messages written one by one, against a scan of all, after a reload too', async ({
  page,
  context,
}) => {
  test.setTimeout(180_000);
  const leader = await tab(context, 'scan', page);
  await leader.evaluate(async () => {
    const { store } = window;
    const latin = ['alpha', 'Beta', 'gamma', 'node', 'js', 'C', 'x', '42', 'rust', 'query'];
    const korean = ['회의', '회의록', '오늘', '서울', '비가', '와요', '록', '정리해주세요'];
    // A generator of its own, so that each run is the same.
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    const text = () =>
      Array.from({ length: 3 + random(12) }, () => {
        const words = random(3) === 0 ? latin : korean;
        return `${words[random(words.length)]}${['', ' ', '. ', '+'][random(4)]}${random(5) === 0 ? random(100) : ''}`;
      }).join('');
    const ids: number[] = [];
    for (let chat = 0; chat < 10; chat += 1) ids.push(await store.createConversation(`${chat}`));
    for (let n = 0; n < 3_000; n += 1) {
      const added = await store.addMessage(ids[random(10)] ?? 0, 'user', text());
      if (n % 41 === 0) await store.updateMessage(added.id, { content: text() });
      if (n % 53 === 0) await store.deleteMessage(added.id);
    }
  });

  const differences = async (each: Page) =>
    each.evaluate(async () => {
      const { store } = window;
      const rows = [];
      for (const { id } of await store.listConversations(1_000)) {
        rows.push(...(await store.messagesFor(id, { branches: 'all' })));
      }
      const isLetter = (c: string | undefined) => c !== undefined && /[\p{L}\p{N}_]/u.test(c);
      // Enough of the rule for plain Latin and Korean.
      const holds = (text: string, term: string) => {
        if (!/^[a-z0-9]$/.test(term)) return text.includes(term);
        const all = [...text];
        return all.some((c, n) => c === term && !isLetter(all[n - 1]) && !isLetter(all[n + 1]));
      };
      const queries = [
        ...[
          '회',
          '회의',
          '의록',
          '회의록오늘',
          '서울',
          '비가와',
          '록',
          '오늘 42',
          '세요.',
          '요. 비가',
        ],
        ...['alpha', 'ALPHABETA', 'tagam', 'js', 'c', 'x', '4', '42', 'c+', 'node.', 'rust query'],
        ...['"와요 회의"', '회의 -회의록', 'x -4 -회', '없는말', 'zz'],
      ];
      const wrong: string[] = [];
      let hits = 0;
      for (const query of queries) {
        const terms = [...query.toLowerCase().matchAll(/(-?)(?:"([^"]*)"|(\S+))/g)];
        const wanted = rows.filter(({ content }) => {
          const text = content.toLowerCase();
          return terms.every(
            ([, not, phrase, word]) => holds(text, phrase ?? word ?? '') !== (not === '-'),
          );
        });
        const ids = await window.found(query, { role: 'user' });
        hits += ids.length;
        const expected = wanted.map(({ id }) => id).sort((a, b) => a - b);
        if (JSON.stringify(ids) !== JSON.stringify(expected)) {
          wrong.push(`${query}: ${ids.length} instead of ${expected.length}`);
        }
      }
      return { wrong, rows: rows.length, hits };
    });
  const before = await differences(leader);
  expect(before).toMatchObject({ wrong: [], rows: 2_943 });
  expect(before.hits).toBeGreaterThan(10_000);
  const follower = await tab(context, 'scan');
  expect(await differences(follower)).toEqual(before);
  await leader.close();
  expect(await differences(follower)).toEqual(before);
  const reloaded = await tab(context, 'scan', follower);
  expect(await differences(reloaded)).toEqual(before);
});
