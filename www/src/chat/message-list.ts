// The messages of one chat in a scroller: a watch of the store, so they are what they are in every
// tab, and grow while they come. The newest are shown first, older ones as one scrolls up; what
// is still on its way into the store is shown too. Writes nothing but which version is on show.

import type {
  AddedMessage,
  ChangeDetail,
  Conversation,
  ConversationStore,
  Message,
  MessagePart,
  Role,
  Watch,
} from 'conversation-store';
import { announce } from '../announce.ts';
import { arrange, h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { shorten } from '../text.ts';
import { inFull } from '../times.ts';
import { because, roleName } from '../words.ts';
import { Branches } from './branches.ts';
import type { Chats } from './chats.ts';
import { type MessageActions, MessageView } from './message.ts';

const PAGE = 50;
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
  readonly #watch: Watch<Message>;
  readonly #branches: Branches;
  readonly #end = new AbortController();
  readonly #viewActions: MessageActions;
  readonly #store: ConversationStore;
  // As the watch has them; undefined before it has read them.
  #shown: MessageView[] | undefined;
  // Not among them yet, and how often they were missing there since they are saved.
  #pending: { view: MessageView; missed: number | undefined }[] = [];
  // Whether all of the chat is on show.
  #whole = false;
  #widening = false;
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
    this.#watch = store.watchMessages(id, { limit: PAGE });
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
    this.element = h('div', { class: 'message-area' }, this.#scroller, this.#toEnd);
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
    return new Promise((resolve, reject) => {
      const unsubscribe = this.#watch.subscribe(() => {
        const { state, error } = this.#watch;
        if (state === 'ready') {
          this.#follow();
          resolve();
        } else if (state === 'error') {
          // Later on, the rows on show stay, and the next change reads again.
          reject(error);
        }
      });
      this.#end.signal.addEventListener('abort', unsubscribe);
    });
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

  /** Shows the rows of the watch, unless some that are on show have left its window. */
  #follow(): void {
    if (this.#hasSlid) void this.#widen();
    else this.#show(this.#watch.current);
  }

  /** Whether the window of the watch, the newest so many, has moved past what is on show. */
  get #hasSlid(): boolean {
    const [first] = this.#shown ?? [];
    const { current, hasMore } = this.#watch;
    if (!this.#shown || !hasMore || this.#going) return false;
    if (!first) return this.#whole;
    if (current.some(({ uid }) => uid === first.uid)) return false;
    return this.#whole || this.#shown.some(({ uid }) => uid === current[0]?.uid);
  }

  async #widen(): Promise<void> {
    if (this.#widening) return;
    this.#widening = true;
    try {
      while (this.#hasSlid) await this.#watch.more();
      this.#show(this.#watch.current);
    } catch {
      // With the next change it is tried again.
    }
    this.#widening = false;
  }

  async #showOlder(): Promise<void> {
    this.#olderWatcher.disconnect();
    try {
      await this.#watch.more();
    } catch (error) {
      this.#keepingPlace(this.#shown ?? [], () => this.#renderTopError(error));
    }
  }

  #show(rows: readonly Message[]): void {
    const before = this.#shown;
    const known = new Map(before?.map((view) => [view.uid, view]));
    const pending = new Map(this.#pending.map(({ view }) => [view.uid, view]));
    const finished: MessageView[] = [];
    const views = rows.map((row) => {
      const view = known.get(row.uid) ?? pending.get(row.uid);
      if (!view) return MessageView.of(row, this.#viewActions);
      if (view.message?.status === 'streaming' && row.status !== 'streaming') finished.push(view);
      return view;
    });
    const uids = new Set(rows.map(({ uid }) => uid));
    this.#pending = this.#pending.filter((entry) => {
      if (entry.missed !== undefined) entry.missed += 1;
      // Saved, and not on the path any more: another version is shown since.
      return !uids.has(entry.view.uid) && (entry.missed ?? 0) < 3;
    });
    const stays = this.#atEnd && !this.#going;
    const { hasMore } = this.#watch;
    this.#keepingPlace(views, () => {
      for (const [index, row] of rows.entries()) views[index]?.update(row);
      this.#shown = views;
      this.#whole = !hasMore;
      this.#render();
      this.#renderTop(hasMore);
    });
    if (stays) this.#scrollToEnd();
    else this.#onScroll();
    if (before && !this.#going) {
      const last = views.findLastIndex(({ uid }) => known.has(uid));
      this.#tell(views.slice(last + 1).filter(({ uid }) => !pending.has(uid)));
      for (const view of finished) announceMessage(view);
    }
    this.#arrive();
    void this.#lookForBranches();
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
    const view = this.#shown?.find(({ message }) => message?.id === going.to);
    if (view) {
      this.#going = undefined;
      going.arrive(view);
    } else if (!going.isClimbing) {
      void this.#climb(going);
    }
  }

  async #climb(going: Going): Promise<void> {
    going.isClimbing = true;
    try {
      while (this.#going === going && this.#watch.hasMore) await this.#watch.more();
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

  async #lookForBranches(): Promise<void> {
    const place = () => {
      for (const view of this.#shown ?? []) {
        if (view.message) view.setPlace(this.#branches.placeOf(view.message.id));
      }
    };
    place();
    try {
      await this.#branches.look(this.#watch.current, this.#whole);
    } catch {
      // They are looked for again with the next change.
    }
    place();
  }

  #render(): void {
    let day: string | undefined;
    const views = [...(this.#shown ?? []), ...this.#pending.map(({ view }) => view)];
    const elements = views.flatMap((view) => {
      const first = view.day !== day;
      day = view.day;
      return first ? [view.mark, view.element] : [view.element];
    });
    arrange(this.#items, elements);
    const last = views.at(-1);
    for (const view of views.slice(-3)) view.setLast(view === last);
  }

  /** Says that there are new ones, and shows the way to them if they are out of sight. */
  #tell(added: MessageView[]): void {
    const [first] = added;
    if (!first) return;
    this.#setNew(true);
    this.#onScroll();
    if (added.length > 1) announce(t('chat.added', { count: added.length }));
    // One that is being written is told when it is complete, not with every word.
    else if (first.message?.status !== 'streaming') announceMessage(first);
  }

  /** Changes something without moving what is in sight and stays. */
  #keepingPlace(staying: readonly MessageView[], change: () => void): void {
    const { top } = this.#scroller.getBoundingClientRect();
    const anchor = staying
      .map(({ element }) => element)
      .find((element) => element.isConnected && element.getBoundingClientRect().bottom > top);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (!anchor?.isConnected) return;
    const moved = anchor.getBoundingClientRect().top - before;
    if (moved !== 0) this.#scroller.scrollTop += moved;
  }

  #renderTop(more: boolean): void {
    const key = `${more} ${this.#shown?.[0]?.uid}`;
    if (key === this.#topKey) return;
    this.#topKey = key;
    if (more) {
      this.#top.replaceChildren(h('p', {}, t('chat.loadingOlder')));
      // Observing anew asks again whether the top is in sight, which it may still be.
      this.#olderWatcher.disconnect();
      this.#olderWatcher.observe(this.#top);
    } else if (this.#shown && this.#shown.length > 0) {
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

function announceMessage({ role, message }: MessageView): void {
  announce(t('chat.said', { role: roleName(role), text: shorten(message?.content ?? '', 200) }));
}
