/**
 * What the tabs of a soak do: each kind of work is done in a tab, and held against the ledger. A chat is
 * in one piece of work at a time, whoever does it, so that what must be read of it is known. As much is
 * deleted as is added.
 */

import { createHash } from 'node:crypto';
import { expect } from '@playwright/test';
import {
  added,
  type Chat,
  changed,
  isSame,
  type Ledger,
  path,
  type Random,
  type Said,
  shaped,
  without,
} from './ledger.js';
import { Gone, type Tab } from './tabs.js';

/** Chats and messages of a chat, above which there is only deleting. */
const MOST_CHATS = 40;
const MOST_MESSAGES = 40;

const WORDS = 'the 오늘 회의 of メモ and 날씨 tea café 계획 to 写真 build 🌱 again'.split(' ');

/** What a piece of work says that has changed nothing. */
const UNCHANGED = Symbol('unchanged');

/** In the text of a message with an attachment: it has several parts. */
const ATTACHED = '📎';

/** Attachments, over and over the same. */
const BLOBS = Array.from({ length: 6 }, (_, n) => ({ byte: n + 1, size: 40_000 * (n + 1) }));

export class Work {
  readonly #ledger: Ledger;
  readonly #random: Random;
  /** A prefix of the names of what it makes. */
  readonly #name: string;
  #last = 0;
  /** How often each kind was done, and how often it was not known whether. */
  readonly done = new Map<string, number>();
  doubts = 0;

  constructor(ledger: Ledger, random: Random, name: string) {
    this.#ledger = ledger;
    this.#random = random;
    this.#name = name;
  }

  /** One piece of work, in that tab. */
  async step(tab: Tab): Promise<void> {
    const [kind, work] = this.#choose();
    await work(tab);
    this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
  }

  /** Imports as many chats as there may be, so that from then on as much is deleted as is added. */
  async fill(tab: Tab): Promise<void> {
    await this.#import(tab, MOST_CHATS, MOST_MESSAGES);
  }

  #choose(): [string, (tab: Tab) => Promise<void>] {
    const random = this.#random;
    const { free, chats } = this.#ledger;
    const roomy = chats.length < MOST_CHATS;
    const chat = free.length > 0 ? random.one(free) : undefined;
    if (!chat || (roomy && random.below(20) === 0)) return ['create', (tab) => this.#create(tab)];
    const kinds: Record<string, [weight: number, work: (tab: Tab) => Promise<void>]> = {
      add: [20, (tab) => this.#add(tab, chat)],
      stream: [8, (tab) => this.#stream(tab, chat)],
      aborted: [2, (tab) => this.#aborted(tab, chat)],
      twice: [2, (tab) => this.#twice(tab, chat)],
      import: [roomy ? 2 : 0, (tab) => this.#import(tab)],
      fork: [roomy && chat.head ? 2 : 0, (tab) => this.#fork(tab, chat)],
      read: [15, (tab) => this.#read(tab, chat)],
      search: [8, (tab) => this.#search(tab, chat)],
      page: [4, (tab) => this.#page(tab)],
      title: [4, (tab) => this.#title(tab, chat)],
      trash: [2, (tab) => this.#trash(tab, chat)],
      attach: [3, (tab) => this.#attach(tab, chat)],
      export: [1, (tab) => this.#export(tab, chat)],
      deleteChat: [roomy ? 1 : 10, (tab) => this.#deleteChat(tab, chat)],
    };
    if (chat.messages.length > 0) {
      const message = random.one(chat.messages);
      Object.assign(kinds, {
        branch: [5, (tab: Tab) => this.#branch(tab, chat, message)],
        append: [5, (tab: Tab) => this.#append(tab, chat, message)],
        edit: [8, (tab: Tab) => this.#edit(tab, chat, message)],
        deleteMessage: [8, (tab: Tab) => this.#deleteMessage(tab, chat, message)],
        save: [4, (tab: Tab) => this.#save(tab, chat)],
        show: [3, (tab: Tab) => this.#show(tab, chat, message)],
      });
      if (chat.messages.length > MOST_MESSAGES) {
        return ['deleteMessage', (tab) => this.#deleteSome(tab, chat)];
      }
    }
    const all = Object.entries(kinds);
    let at = random.below(all.reduce((sum, [, [weight]]) => sum + weight, 0));
    for (const [kind, [weight, work]] of all) {
      if (at < weight) return [kind, work];
      at -= weight;
    }
    throw new Error('the weights do not add up');
  }

  /** A name that nothing else has, as a word that search finds. */
  #next(): string {
    this.#last += 1;
    return `${this.#name}${this.#last.toString(36).padStart(6, '0')}z`;
  }

  /** Some text that begins with a word of its own. */
  #text(word: string): string {
    const random = this.#random;
    const length = random.below(50) === 0 ? 4_000 : 5 + random.below(100);
    return `${word} ${Array.from({ length }, () => random.one(WORDS)).join(' ')}`;
  }

  #said(chat: Chat, parent = chat.head): Said {
    const uid = this.#next();
    const role = this.#random.one(['user', 'assistant'] as const);
    return { uid, parent, role, content: this.#text(uid), status: 'complete' };
  }

  /** A chat as a tab sees it, once nothing in it streams whose tab is gone. */
  async #seen(tab: Tab, uid: string): Promise<Chat | undefined> {
    for (;;) {
      const [chat] = await tab.read((uid) => window.chats([uid]), uid);
      if (!chat?.messages.some(({ status }) => status === 'streaming')) return chat;
    }
  }

  /** Takes a chat and has it changed. */
  #change(
    tab: Tab,
    uid: string,
    after: Chat | undefined,
    work: () => Promise<unknown>,
    between?: (seen: Chat | undefined) => boolean,
  ): Promise<void> {
    return this.#ledger.taking([uid], () => this.#changeTaken(tab, uid, after, work, between));
  }

  /**
   * Has a chat that is taken changed; it stays as it was where the work says so. Where the tab dies under
   * it, it is as before, or after, or what else may be: which of these, another look says, and that is how
   * it stays.
   */
  async #changeTaken(
    tab: Tab,
    uid: string,
    after: Chat | undefined,
    work: () => Promise<unknown>,
    between: (seen: Chat | undefined) => boolean = () => false,
  ): Promise<void> {
    const before = this.#ledger.get(uid);
    try {
      const outcome = await work();
      this.#ledger.set(uid, outcome === UNCHANGED ? before : after);
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
      this.doubts += 1;
      const seen = await this.#seen(tab, uid);
      if (!isSame(seen, before) && !isSame(seen, after) && !between(seen)) {
        // It says how they differ.
        expect(seen && shaped(seen), `chat ${uid} after a crash`).toEqual(after && shaped(after));
      }
      this.#ledger.set(uid, seen);
    }
  }

  async #create(tab: Tab): Promise<void> {
    const uid = this.#next();
    const title = `${uid} 대화`;
    const after = { uid, title, isTrashed: false, head: null, messages: [] };
    const create = ([uid, title]: readonly [string, string]) =>
      window.store.createConversation(title, 'claude', { uid });
    await this.#change(tab, uid, after, () => tab.ask(create, [uid, title] as const));
  }

  /** Some at once: they are carried out in order. */
  async #add(tab: Tab, chat: Chat): Promise<void> {
    const states = [chat];
    const messages: Said[] = [];
    for (let n = 0; n < 1 + this.#random.below(6); n++) {
      const last = states.at(-1) as Chat;
      const message = this.#said(last);
      messages.push(message);
      states.push(added(last, message));
    }
    await this.#change(
      tab,
      chat.uid,
      states.at(-1),
      () =>
        tab.ask(
          ({ chat, messages }) =>
            Promise.all(
              messages.map(({ uid, role, content }) =>
                window.store.addMessage(chat, role as 'user', content, { uid }),
              ),
            ),
          { chat: chat.uid, messages },
        ),
      (seen) => states.some((state) => isSame(seen, state)),
    );
  }

  async #branch(tab: Tab, chat: Chat, { parent }: Said): Promise<void> {
    const message = this.#said(chat, parent);
    await this.#change(tab, chat.uid, added(chat, message), () =>
      tab.ask(
        ({ chat, message: { uid, role, content, parent } }) =>
          window.store.addMessage(chat, role as 'user', content, {
            uid,
            parentId: parent === null ? null : { conversationId: chat, uid: parent },
          }),
        { chat: chat.uid, message },
      ),
    );
  }

  async #stream(tab: Tab, chat: Chat): Promise<void> {
    const message = { ...this.#said(chat), role: 'assistant' };
    const pieces = message.content.split(/(?= )/);
    const isAborted = this.#random.below(5) === 0;
    const status = isAborted ? 'aborted' : 'complete';
    await this.#change(
      tab,
      chat.uid,
      added(chat, { ...message, status }),
      () =>
        tab.ask(
          async ({ chat, uid, pieces, isAborted }) => {
            const stream = await window.store.messageWriter(chat, { uid });
            const writer = stream.getWriter();
            for (const [n, piece] of pieces.entries()) {
              await writer.write(piece);
              if (n % 40 === 39) await stream.flush();
            }
            await (isAborted ? writer.abort('enough') : writer.close());
          },
          { chat: chat.uid, uid: message.uid, pieces, isAborted },
        ),
      (seen) => {
        const row = seen?.messages.find(({ uid }) => uid === message.uid);
        if (!row || !message.content.startsWith(row.content)) return false;
        return isSame(
          seen,
          added(chat, { ...row, ...message, content: row.content, status: 'aborted' }),
        );
      },
    );
  }

  /** Given up at once: it rejects where it was not carried out, and resolves where it was. */
  async #aborted(tab: Tab, chat: Chat): Promise<void> {
    const message = this.#said(chat);
    await this.#change(tab, chat.uid, added(chat, message), async () => {
      const code = await tab.ask(
        ({ chat, message: { uid, role, content } }) => {
          const stop = new AbortController();
          const { signal } = stop;
          const call = window.store.addMessage(chat, role as 'user', content, { uid }, { signal });
          stop.abort();
          return window.code(call);
        },
        { chat: chat.uid, message },
      );
      expect(['aborted', 'resolved']).toContain(code);
      return code === 'aborted' ? UNCHANGED : undefined;
    });
  }

  /** The same operation, twice at once. */
  async #twice(tab: Tab, chat: Chat): Promise<void> {
    const message = this.#said(chat);
    await this.#change(tab, chat.uid, added(chat, message), async () => {
      const [one, other] = await tab.ask(
        ({ chat, message: { uid, role, content } }) => {
          const add = () =>
            window.store.addMessage(
              chat,
              role as 'user',
              content,
              { uid },
              { operationId: `operation ${uid}` },
            );
          return Promise.all([add(), add()]);
        },
        { chat: chat.uid, message },
      );
      expect(one).toEqual(other);
    });
  }

  async #append(tab: Tab, chat: Chat, message: Said): Promise<void> {
    const text = ` ${this.#random.one(WORDS)}`.repeat(1 + this.#random.below(20));
    // Not for ever: it would only grow. And an attachment is a part that no text continues.
    if (message.content.length > 20_000 || message.content.includes(ATTACHED))
      return this.#edit(tab, chat, message);
    const after = changed(chat, message.uid, { content: message.content + text });
    await this.#change(tab, chat.uid, after, () =>
      tab.ask(
        ({ chat, uid, text }) => window.store.appendToMessage({ conversationId: chat, uid }, text),
        { chat: chat.uid, uid: message.uid, text },
      ),
    );
  }

  async #edit(tab: Tab, chat: Chat, message: Said): Promise<void> {
    const content = this.#text(message.uid);
    const after = changed(chat, message.uid, { content });
    await this.#change(tab, chat.uid, after, () =>
      tab.ask(
        ({ chat, uid, content }) =>
          window.store.updateMessage({ conversationId: chat, uid }, { content }),
        { chat: chat.uid, uid: message.uid, content },
      ),
    );
  }

  async #deleteMessage(tab: Tab, chat: Chat, message: Said): Promise<void> {
    await this.#change(tab, chat.uid, without(chat, message.uid), async () => {
      const count = await tab.ask(
        ({ chat, uid }) => window.store.deleteMessage({ conversationId: chat, uid }),
        { chat: chat.uid, uid: message.uid },
      );
      expect(count).toBe(1);
    });
  }

  /** Down to half of what there may be. */
  async #deleteSome(tab: Tab, chat: Chat): Promise<void> {
    const states = [chat];
    const uids: string[] = [];
    for (let last = chat; last.messages.length > MOST_MESSAGES / 2; ) {
      const { uid } = this.#random.one(last.messages);
      uids.push(uid);
      last = without(last, uid);
      states.push(last);
    }
    await this.#change(
      tab,
      chat.uid,
      states.at(-1),
      () =>
        tab.ask(
          ({ chat, uids }) =>
            Promise.all(
              uids.map((uid) => window.store.deleteMessage({ conversationId: chat, uid })),
            ),
          { chat: chat.uid, uids },
        ),
      (seen) => states.some((state) => isSame(seen, state)),
    );
  }

  /** As an app does that holds its whole chat: the path as it is, and one more. */
  async #save(tab: Tab, chat: Chat): Promise<void> {
    const message = this.#said(chat);
    // Its parts are not known here, and without them it would be another version.
    if (path(chat).some(({ content }) => content.includes(ATTACHED))) return this.#read(tab, chat);
    await this.#change(tab, chat.uid, added(chat, message), () =>
      tab.ask(
        ({ chat, head, messages }) =>
          window.store.saveMessages(
            chat,
            messages.map(({ uid, role, content }) => ({ uid, role: role as 'user', content })),
            { head },
          ),
        { chat: chat.uid, head: chat.head, messages: [...path(chat), message] },
      ),
    );
  }

  async #show(tab: Tab, chat: Chat, { uid }: Said): Promise<void> {
    await this.#change(tab, chat.uid, { ...chat, head: uid }, () =>
      tab.ask(
        ({ chat, uid }) =>
          window.store.updateConversation(chat, { head: { conversationId: chat, uid } }),
        { chat: chat.uid, uid },
      ),
    );
  }

  async #title(tab: Tab, chat: Chat): Promise<void> {
    const title = `${chat.uid} ${this.#random.one(WORDS)}`;
    await this.#change(tab, chat.uid, { ...chat, title }, () =>
      tab.ask(
        ({ chat, title }) => window.store.updateConversation(chat, { title, tags: [title] }),
        { chat: chat.uid, title },
      ),
    );
  }

  async #trash(tab: Tab, chat: Chat): Promise<void> {
    const isTrashed = !chat.isTrashed;
    await this.#change(tab, chat.uid, { ...chat, isTrashed }, () =>
      tab.ask(
        ({ chat, isTrashed }) => window.store.updateConversation(chat, { trashed: isTrashed }),
        { chat: chat.uid, isTrashed },
      ),
    );
  }

  async #deleteChat(tab: Tab, chat: Chat): Promise<void> {
    await this.#change(tab, chat.uid, undefined, async () => {
      expect(await tab.ask((uid) => window.store.deleteConversation(uid), chat.uid)).toBe(1);
    });
  }

  /** A message with an attachment, which is read back by whichever tab. */
  async #attach(tab: Tab, chat: Chat): Promise<void> {
    const { byte, size } = this.#random.one(BLOBS);
    const message = this.#said(chat);
    message.content += ` ${ATTACHED}`;
    await this.#change(tab, chat.uid, added(chat, message), async () => {
      const seen = await tab.ask(
        async ({ chat, byte, size, message: { uid, role, content } }) => {
          const { store } = window;
          const blob = new Blob([new Uint8Array(size).fill(byte)], { type: 'image/png' });
          const { ref, hash } = await store.putBlob(blob);
          const parts = [
            { type: 'text', text: content },
            { type: 'file', url: ref },
          ];
          await store.addMessage(chat, role as 'user', parts, { uid });
          const back = await store.getBlob(ref);
          const bytes = new Uint8Array((await back?.arrayBuffer()) ?? new ArrayBuffer(0));
          return { hash, size: bytes.length, isEqual: bytes.every((it) => it === byte) };
        },
        { chat: chat.uid, byte, size, message },
      );
      const hash = createHash('sha256').update(Buffer.alloc(size, byte)).digest('hex');
      expect(seen).toEqual({ hash, size, isEqual: true });
    });
  }

  /** Chats of a file: each whole or not at all. */
  async #import(tab: Tab, count = 1 + this.#random.below(3), most = 10): Promise<void> {
    const chats = Array.from({ length: count }, () => {
      const uid = this.#next();
      let chat: Chat = { uid, title: `${uid} 가져옴`, isTrashed: false, head: null, messages: [] };
      for (let n = 0; n < 1 + this.#random.below(most); n++) chat = added(chat, this.#said(chat));
      return chat;
    });
    const file = chats.map((chat) => ({
      uid: chat.uid,
      title: chat.title,
      messages: path(chat).map(({ uid, role, content }) => ({ uid, role, content })),
    }));
    const uids = chats.map(({ uid }) => uid);
    await this.#ledger.taking(uids, async () => {
      try {
        const report = await tab.ask((text) => window.store.import(text), JSON.stringify(file));
        expect(report.failures).toEqual([]);
        expect(report.conversations.created).toBe(chats.length);
        for (const chat of chats) this.#ledger.set(chat.uid, chat);
      } catch (error) {
        if (!(error instanceof Gone)) throw error;
        this.doubts += 1;
        for (const chat of chats) {
          const seen = await this.#seen(tab, chat.uid);
          if (seen) expect(shaped(seen), 'imported under a crash').toEqual(shaped(chat));
          this.#ledger.set(chat.uid, seen);
        }
      }
    });
  }

  /** The path to a message, as a chat of its own. Its title says whose copy it is. */
  async #fork(tab: Tab, chat: Chat): Promise<void> {
    const { uid } = this.#random.one(path(chat));
    const title = this.#next();
    const rows = path({ ...chat, head: uid });
    const isCopy = (seen: Chat) =>
      JSON.stringify(path(seen).map(({ role, content }) => [role, content])) ===
      JSON.stringify(rows.map(({ role, content }) => [role, content]));
    await this.#ledger.taking([chat.uid], async () => {
      // By its title it is known from other copies, whether the tab has told its uid or not.
      await this.#changeTaken(tab, chat.uid, { ...chat, title }, () =>
        tab.ask(({ chat, title }) => window.store.updateConversation(chat, { title }), {
          chat: chat.uid,
          title,
        }),
      );
      if (this.#ledger.get(chat.uid)?.title !== title) return;
      let copy: string | undefined;
      try {
        copy = await tab.ask(
          async ({ chat, uid }) => {
            const id = await window.store.fork(chat, { conversationId: chat, uid });
            return (await window.store.getConversation(id))?.uid;
          },
          { chat: chat.uid, uid },
        );
      } catch (error) {
        if (!(error instanceof Gone)) throw error;
        this.doubts += 1;
        copy = await tab.read(
          async ({ chat, title }) => {
            const all = await window.store.listConversations({ limit: 10_000, trashed: 'any' });
            return all.find((it) => it.uid !== chat && it.title.startsWith(title))?.uid;
          },
          { chat: chat.uid, title },
        );
        if (copy === undefined) return;
      }
      if (copy === undefined) throw new Error('the copy is not there');
      const seen = await this.#seen(tab, copy);
      if (!seen || !isCopy(seen)) expect(seen && path(seen), 'a copy').toEqual(rows);
      this.#ledger.set(copy, seen);
    });
  }

  async #read(tab: Tab, chat: Chat): Promise<void> {
    await this.#ledger.taking([chat.uid], async () => {
      const seen = await tab.read(
        async (uid) => ({
          chats: await window.chats([uid]),
          path: (await window.store.messagesFor(uid)).map(({ uid }) => uid),
        }),
        chat.uid,
      );
      expect(seen.chats.map(shaped)).toEqual([shaped(chat)]);
      expect(seen.path).toEqual(path(chat).map(({ uid }) => uid));
    });
  }

  /** Each message is found by its word, right away; one that is not there is not. */
  async #search(tab: Tab, chat: Chat): Promise<void> {
    const message = chat.messages.length > 0 ? this.#random.one(chat.messages) : undefined;
    const word = message?.content.split(' ')[0];
    if (!message || !word) return this.#read(tab, chat);
    await this.#ledger.taking([chat.uid], async () => {
      const find = ([word, chat]: readonly [string, string]) =>
        window.store.search(word, { conversationId: chat, limit: 1_000 });
      const hits = await tab.read(find, [word, chat.uid] as const);
      const found = hits.flatMap(({ message }) => message?.uid ?? []).sort();
      const holding = chat.messages.filter(({ content }) => content.includes(word));
      expect(found).toEqual(holding.map(({ uid }) => uid).sort());
      expect(await tab.read(find, [`${word}x`, chat.uid] as const)).toEqual([]);
    });
  }

  /** Every chat that nobody changes meanwhile is on one page, once. */
  async #page(tab: Tab): Promise<void> {
    const { mark } = this.#ledger;
    const rows = await tab.read(async (limit) => {
      const rows = [];
      let after: { id: number; updatedAt: string } | undefined;
      for (;;) {
        const page = await window.store.listConversations({
          limit,
          ...(after ? { after } : {}),
        });
        rows.push(...page.map(({ uid }) => uid));
        after = page.at(-1);
        if (page.length < limit) return rows;
      }
    }, 7);
    for (const { uid, isTrashed } of this.#ledger.untouchedSince(mark)) {
      const times = rows.filter((it) => it === uid).length;
      expect(times, `${uid} on pages`).toBe(isTrashed ? 0 : 1);
    }
  }

  async #export(tab: Tab, chat: Chat): Promise<void> {
    await this.#ledger.taking([chat.uid], async () => {
      const messages = await tab.read(async (uid) => {
        const conversationIds = [uid];
        const file = await window.store.export({ format: 'openai', conversationIds });
        return JSON.parse(await file.text()) as { role: string; content: unknown }[];
      }, chat.uid);
      expect(messages.map(({ role }) => role)).toEqual(path(chat).map(({ role }) => role));
      const text = JSON.stringify(messages);
      for (const { content } of path(chat)) expect(text).toContain(JSON.stringify(content));
    });
  }
}
