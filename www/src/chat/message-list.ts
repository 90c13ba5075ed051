// The messages of one chat in a scroller: a watch of the store, so they are what they are in every
// tab, and grow while they come. The newest are shown first, older ones as one scrolls up, and of many
// only those near the view are in the page; what is still on its way into the store is shown too. Writes
// nothing but which version is on show.

import type {
  AddedMessage,
  ChangeDetail,
  Conversation,
  ConversationStore,
  Message,
  MessagePart,
  Role,
} from 'conversation-store';
import { announce } from '../announce.ts';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { shorten } from '../text.ts';
import { dayKey, inFull } from '../times.ts';
import { VirtualList, type VirtualRows } from '../virtual-list.ts';
import { because, roleName } from '../words.ts';
import { Branches } from './branches.ts';
import type { Chats } from './chats.ts';
import { type MessageActions, MessageView } from './message.ts';
import { MessagePages } from './message-pages.ts';

const NEAR_END = 48;

/** A message that is shown but not saved yet. */
export interface PendingMessage {
  uid: string;
  saved: (added: AddedMessage) => void;
  failed: () => void;
}

/** The way to a message, known or not yet; `arrive` is called when it is on show, or will not be. */
interface Going {
  to?: number;
  isClimbing?: boolean;
  arrive: (view: MessageView | undefined) => void;
}

/** What one can do with a message, but for stepping among versions, which the list does itself. */
export interface MessageListActions extends Omit<MessageActions, 'step'> {
  /** It could not be done. */
  failed: (what: string, error: unknown) => void;
}

export class MessageList {
  readonly element: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #items = h('ol', { class: 'messages', 'data-testid': 'messages' });
  readonly #top = h('div', { class: 'messages-top', 'data-testid': 'messages-top' });
  // Shown while messages of other tabs have not been in sight.
  readonly #new = h('span', { hidden: true }, t('chat.newMessages'));
  readonly #toEnd: HTMLButtonElement;
  readonly #olderWatcher: IntersectionObserver;
  readonly #sizeWatcher: ResizeObserver;
  readonly #pages: MessagePages;
  readonly #virtual: VirtualList;
  readonly #branches: Branches;
  readonly #end = new AbortController();
  readonly #viewActions: MessageActions;
  readonly #store: ConversationStore;
  // As the store has them; undefined before they have been read.
  #rows: readonly Message[] | undefined;
  #placeOf = new Map<string | number, number>();
  // Of those that are in the page.
  readonly #views = new Map<string, MessageView>();
  // Not among them yet, and how often they were missing there since they are saved.
  #pending: { view: MessageView; missed: number | undefined }[] = [];
  // Whether all of the chat is on show.
  #whole = false;
  // Another message is being gone to: what is above it stays where it is.
  #going: Going | undefined;
  #found: HTMLElement | undefined;
  #atEnd = true;
  // What stands at the top, which is put there once.
  #topKey = '';
  #last = { top: 0, height: 0 };

  constructor(
    { store }: Chats,
    private readonly conversation: Conversation,
    private readonly actions: MessageListActions,
  ) {
    const { id } = conversation;
    this.#store = store;
    this.#pages = new MessagePages(store, id, () => this.#show(this.#pages.rows));
    this.#branches = new Branches(store, id);
    store.addEventListener('change', ({ detail }) => this.#onChange(detail), {
      signal: this.#end.signal,
    });
    this.#viewActions = {
      ...actions,
      step: (view, by) => void this.#step(view, by),
      edit: async (message, text) => {
        const done = await actions.edit(message, text);
        if (done) this.#scrollToEnd();
        return done;
      },
      answer: (message) => {
        this.#atEnd = true;
        actions.answer(message);
      },
      resume: (message) => {
        this.#atEnd = true;
        actions.resume(message);
      },
    };
    this.#scroller = h(
      'div',
      {
        class: 'scroller',
        role: 'region',
        'aria-label': t('chat.messagesLabel'),
        tabindex: 0,
        'data-testid': 'scroller',
        onscroll: () => this.#onScroll(),
      },
      h('div', { class: 'column' }, this.#top, this.#items),
    );
    this.#toEnd = h(
      'button',
      {
        type: 'button',
        class: 'icon-button to-end',
        'aria-label': t('chat.toNewest'),
        'data-testid': 'to-end',
        hidden: true,
        onclick: () => {
          this.#scrollToEnd();
          this.#scroller.focus();
        },
      },
      this.#new,
      icon('down'),
    );
    // Who opens what was folded wants to read on from there, not to be taken to the end of it.
    this.#items.addEventListener('click', ({ target }) => {
      const opens = target instanceof Element && target.closest('summary, .message-more');
      if (opens) this.#atEnd = false;
    });
    this.element = h('div', { class: 'message-area' }, this.#scroller, this.#toEnd);
    this.#virtual = new VirtualList(this.#scroller, this.#items, this.#virtualRows());
    this.#olderWatcher = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) void this.#showOlder();
      },
      { root: this.#scroller, rootMargin: '800px 0px 0px 0px' },
    );
    // When the composer grows, the end of the chat stays in sight.
    this.#sizeWatcher = new ResizeObserver(() => {
      if (this.#atEnd) this.#scrollToEnd();
    });
    this.#sizeWatcher.observe(this.#scroller);
  }

  /** Shows the newest messages; resolves when they are there. */
  start(): Promise<void> {
    return this.#pages.start();
  }

  /** Shows a message that is on its way into the store. */
  add(role: Role, content: string, parts?: readonly MessagePart[]): PendingMessage {
    const view = new MessageView(crypto.randomUUID(), role, content, this.#viewActions, parts);
    const entry = { view, missed: undefined as number | undefined };
    this.#pending.push(entry);
    this.#render();
    this.#scrollToEnd();
    return {
      uid: view.uid,
      saved: (added) => {
        entry.missed = 0;
        view.saved(added);
        announce(t('chat.said', { role: roleName(role), text: shorten(content, 200) }));
      },
      failed: () => {
        this.#pending = this.#pending.filter((pending) => pending !== entry);
        this.#render();
      },
    };
  }

  /** Shows a message of whatever branch. Resolves to its element; undefined if it is not there any more. */
  async reveal(id: number): Promise<HTMLElement | undefined> {
    const branch = (await this.#store.branches(id)).find((each) => each.id === id);
    if (branch?.conversationId !== this.conversation.id) return undefined;
    this.#giveUp();
    const going: Going = { arrive: () => {} };
    const arrived = new Promise<MessageView | undefined>((resolve) => {
      going.arrive = resolve;
    });
    this.#going = going;
    if (!branch.onPath) {
      try {
        await this.#store.updateConversation(this.conversation.id, { head: branch.leafId });
      } catch (error) {
        if (this.#going === going) this.#giveUp();
        throw error;
      }
    }
    going.to = id;
    if (this.#going === going) this.#arrive();
    const element = (await arrived)?.element;
    if (!element) return undefined;
    delete this.#found?.dataset.found;
    this.#found = element;
    element.dataset.found = '';
    element.tabIndex = -1;
    // The beginning of one that is higher than the view, the middle of any other.
    const tall = element.clientHeight > this.#scroller.clientHeight;
    element.scrollIntoView({ block: tall ? 'start' : 'center' });
    this.#onScroll();
    return element;
  }

  dispose(): void {
    this.#giveUp();
    this.#end.abort();
    this.#pages.end();
    this.#virtual.dispose();
    this.#olderWatcher.disconnect();
    this.#sizeWatcher.disconnect();
  }

  /** Versions that went are told by no row on show. */
  #onChange({ reset, changes }: ChangeDetail): void {
    const gone = changes.some(
      ({ kind, op, conversationId }) =>
        kind === 'message' && op === 'delete' && conversationId === this.conversation.id,
    );
    if (!reset && !gone) return;
    // It may be what is gone to.
    this.#giveUp();
    this.#branches.forget();
    void this.#lookForBranches();
  }

  async #showOlder(): Promise<void> {
    this.#olderWatcher.disconnect();
    try {
      await this.#pages.more();
    } catch (error) {
      this.#keepingPlace(() => this.#renderTopError(error));
    }
  }

  #show(rows: readonly Message[]): void {
    const before = this.#rows;
    const known = new Map(before?.map((row) => [row.uid, row]));
    const uids = new Set(rows.map(({ uid }) => uid));
    const pending = new Set(this.#pending.map(({ view }) => view.uid));
    for (const { view } of this.#pending) {
      if (uids.has(view.uid)) this.#views.set(view.uid, view);
    }
    this.#pending = this.#pending.filter((entry) => {
      if (entry.missed !== undefined) entry.missed += 1;
      // Saved, and not on the path any more: another version is shown since.
      return !uids.has(entry.view.uid) && (entry.missed ?? 0) < 3;
    });
    const stays = this.#atEnd && !this.#going;
    this.#rows = rows;
    this.#whole = !this.#pages.hasMore;
    this.#keepingPlace(() => {
      this.#renderTop(!this.#whole);
      this.#render();
    });
    if (stays) this.#scrollToEnd();
    else this.#onScroll();
    if (before && !this.#going) {
      const last = rows.findLastIndex(({ uid }) => known.has(uid));
      this.#tell(rows.slice(last + 1).filter(({ uid }) => !pending.has(uid)));
      for (const row of rows) {
        const was = known.get(row.uid);
        if (was !== row && was?.status === 'streaming' && row.status !== 'streaming') {
          announceMessage(row);
        }
      }
    }
    this.#arrive();
  }

  /** Shows another version of a message, and leaves the focus where it can go on from. */
  async #step(view: MessageView, by: -1 | 1): Promise<void> {
    if (!view.message || this.#going) return;
    const going: Going = { arrive: () => {} };
    this.#going = going;
    try {
      const to = await this.#branches.step(view.message.id, by);
      if (this.#going !== going) return;
      if (to === undefined) {
        this.#giveUp();
        return;
      }
      going.to = to;
      going.arrive = (shown) => {
        const place = this.#branches.placeOf(to);
        shown?.setPlace(place);
        shown?.focusStep(by);
        if (shown && place) announce(t('chat.version', { ...place }));
      };
      this.#arrive();
    } catch (error) {
      this.#giveUp();
      this.actions.failed(t('chat.versionNotShown'), error);
    }
  }

  /** Ends the way to a message when that is on show; goes up while it is not. */
  #arrive(): void {
    const going = this.#going;
    if (going?.to === undefined) return;
    const index = this.#rows?.findIndex(({ id }) => id === going.to) ?? -1;
    if (index !== -1) {
      this.#virtual.reach(index);
      this.#going = undefined;
      going.arrive(this.#viewAt(index));
    } else if (!going.isClimbing) {
      void this.#climb(going);
    }
  }

  async #climb(going: Going): Promise<void> {
    going.isClimbing = true;
    try {
      while (this.#going === going && this.#pages.hasMore) await this.#pages.more();
    } catch (error) {
      if (this.#going !== going) return;
      this.#giveUp();
      this.actions.failed(t('chat.messageNotShown'), error);
    }
    going.isClimbing = false;
  }

  #giveUp(): void {
    const going = this.#going;
    this.#going = undefined;
    going?.arrive(undefined);
  }

  /** Of those that are in the page: there may be thousands. */
  async #lookForBranches(): Promise<void> {
    const place = () => {
      for (const { message, setPlace } of this.#inPage()) setPlace(message);
    };
    place();
    const shown = this.#inPage().map(({ message }) => message);
    try {
      await this.#branches.look(shown, this.#whole ? (this.#rows ?? []) : undefined);
    } catch {
      // They are looked for again with the next change.
    }
    place();
  }

  #inPage() {
    return [...this.#views.values()].flatMap((view) => {
      const { message } = view;
      if (!message || !view.element.isConnected) return [];
      const setPlace = ({ id }: Message) => view.setPlace(this.#branches.placeOf(id));
      return [{ message, setPlace }];
    });
  }

  #render(): void {
    const uids = [
      ...(this.#rows ?? []).map(({ uid }) => uid),
      ...this.#pending.map(({ view }) => view.uid),
    ];
    this.#placeOf = new Map(uids.map((uid, index) => [uid, index]));
    this.#virtual.render();
    for (const index of [uids.length - 3, uids.length - 2, uids.length - 1]) {
      this.#views.get(uids[index] ?? '')?.setLast(index === uids.length - 1);
    }
  }

  #virtualRows(): VirtualRows {
    const list = this;
    const rowAt = (index: number) => this.#rows?.[index];
    return {
      get count() {
        return (list.#rows?.length ?? 0) + list.#pending.length;
      },
      key: (index) => this.#uidAt(index) ?? index,
      indexOf: (uid) => this.#placeOf.get(uid),
      elements: (index) => {
        const view = this.#viewAt(index);
        if (!view) return [];
        const before = this.#timeAt(index - 1);
        const first = before === undefined || dayKey(before) !== view.day;
        return first ? [view.mark, view.element] : [view.element];
      },
      estimate: (index) => 80 + 25 * Math.min(80, (rowAt(index)?.content.length ?? 0) / 75),
      kept: () => this.#kept(),
      placed: () => this.#placed(),
    };
  }

  #uidAt(index: number): string | undefined {
    const count = this.#rows?.length ?? 0;
    return this.#rows?.[index]?.uid ?? this.#pending[index - count]?.view.uid;
  }

  #timeAt(index: number): string | undefined {
    const count = this.#rows?.length ?? 0;
    return this.#rows?.[index]?.createdAt ?? this.#pending[index - count]?.view.createdAt;
  }

  /** The view of a row, made when it comes into the page. */
  #viewAt(index: number): MessageView | undefined {
    const row = this.#rows?.[index];
    if (!row) return this.#pending[index - (this.#rows?.length ?? 0)]?.view;
    const known = this.#views.get(row.uid);
    const view = known ?? MessageView.of(row, this.#viewActions);
    view.update(row);
    // One that is made anew has to be told what is known already.
    view.setPlace(this.#branches.placeOf(row.id));
    view.setLast(index === (this.#rows?.length ?? 0) + this.#pending.length - 1);
    this.#views.set(row.uid, view);
    return view;
  }

  /** What has the focus or is being edited is not taken out of the page. */
  #kept(): number[] {
    const kept: number[] = [];
    for (const [uid, { element }] of this.#views) {
      const index = this.#placeOf.get(uid);
      if (index === undefined || !element.isConnected) continue;
      const busy = element.contains(document.activeElement) || element.querySelector('form');
      if (busy) kept.push(index);
    }
    return kept;
  }

  #placed(): void {
    if (this.#atEnd && !this.#going) this.#scrollToEnd();
    let [first, last] = [Number.POSITIVE_INFINITY, 0];
    let unknown = false;
    for (const [uid, view] of this.#views) {
      const index = this.#placeOf.get(uid);
      if (index === undefined || !view.element.isConnected) {
        this.#views.delete(uid);
        continue;
      }
      [first, last] = [Math.min(first, index), Math.max(last, index)];
      if (view.message && !this.#branches.placeOf(view.message.id)) unknown = true;
    }
    this.#pages.look(first, last);
    if (unknown) void this.#lookForBranches();
  }

  /** Says that there are new ones, and shows the way to them if they are out of sight. */
  #tell(added: Message[]): void {
    const [first] = added;
    if (!first) return;
    this.#setNew(true);
    this.#onScroll();
    if (added.length > 1) announce(t('chat.added', { count: added.length }));
    // One that is being written is told when it is complete, not with every word.
    else if (first.status !== 'streaming') announceMessage(first);
  }

  /** Changes what is above the messages without moving what is in sight and stays. */
  #keepingPlace(change: () => void): void {
    const { top } = this.#scroller.getBoundingClientRect();
    const anchor = [...this.#items.children].find(
      (element) => element.getBoundingClientRect().bottom > top && this.#stays(element),
    );
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (!anchor?.isConnected) return;
    const moved = anchor.getBoundingClientRect().top - before;
    if (moved !== 0) this.#scroller.scrollTop += moved;
  }

  #stays(element: Element): boolean {
    return this.#rows?.some(({ uid }) => this.#views.get(uid)?.element === element) ?? false;
  }

  #renderTop(more: boolean): void {
    const key = `${more} ${this.#rows?.[0]?.uid}`;
    if (key === this.#topKey) return;
    this.#topKey = key;
    if (more) {
      this.#top.replaceChildren(h('p', {}, t('chat.loadingOlder')));
      // Observing anew asks again whether the top is in sight, which it may still be.
      this.#olderWatcher.disconnect();
      this.#olderWatcher.observe(this.#top);
    } else if (this.#rows && this.#rows.length > 0) {
      this.#top.replaceChildren(
        h('p', {}, t('chat.started', { time: inFull(this.conversation.createdAt) })),
      );
    } else {
      this.#top.replaceChildren(h('p', { class: 'empty-words' }, t('chat.noMessages')));
    }
  }

  #renderTopError(error: unknown): void {
    this.#top.replaceChildren(
      h('p', { role: 'alert' }, t('chat.olderUnreadable', { why: because(error) })),
      h(
        'button',
        {
          type: 'button',
          class: 'button',
          onclick: () => {
            this.#topKey = '';
            this.#renderTop(true);
            this.#scroller.focus();
          },
        },
        t('common.tryAgain'),
      ),
    );
  }

  #onScroll(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    const below = scrollHeight - scrollTop - clientHeight;
    // Who scrolls up, however little, is not to be taken back by text that grows below.
    const up = scrollTop < this.#last.top && scrollHeight >= this.#last.height;
    this.#atEnd = below < (up ? 2 : NEAR_END);
    this.#last = { top: scrollTop, height: scrollHeight };
    if (this.#atEnd) this.#setNew(false);
    this.#toEnd.hidden = this.#new.hidden && below < clientHeight / 2;
  }

  #setNew(isNew: boolean): void {
    this.#new.hidden = !isNew;
    this.#toEnd.setAttribute('aria-label', t(isNew ? 'chat.toNew' : 'chat.toNewest'));
  }

  #scrollToEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd = true;
    const { scrollTop, scrollHeight } = this.#scroller;
    this.#last = { top: scrollTop, height: scrollHeight };
  }
}

function announceMessage({ role, content }: Message): void {
  announce(t('chat.said', { role: roleName(role), text: shorten(content, 200) }));
}
