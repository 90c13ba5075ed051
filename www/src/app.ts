// Puts the page together once the store is open: which part asks which other part for what.

import type { Conversation, ConversationStore } from 'conversation-store';
import { announce, liveRegions } from './announce.ts';
import { ChatList } from './chat-list.ts';
import { ChatPane } from './chat-pane.ts';
import { Chats } from './chats.ts';
import { Deletions } from './deletions.ts';
import { h, isTextField } from './dom.ts';
import { Drafts } from './drafts.ts';
import { Follow } from './follow.ts';
import { Outdated } from './outdated.ts';
import { currentRoute, go, onRoute, type Route } from './route.ts';
import { Sidebar } from './sidebar.ts';
import { StoragePanel, storageWords } from './storage-panel.ts';
import { Toasts } from './toasts.ts';

export async function startApp(root: HTMLElement, store: ConversationStore): Promise<void> {
  const drafts = new Drafts();
  const outdated = new Outdated();
  const toasts = new Toasts(
    () => {
      if (isNarrow() && currentRoute().view !== 'list') pane.element.focus();
      else sidebar.focus();
    },
    () => outdated.show(),
  );
  const list = new ChatList(store, () => sidebar.render());
  const chats = new Chats(store, list, toasts, (conversation) => pane.update(conversation));
  const gone = (uid: string) => {
    pane.gone(uid);
    drafts.remove(uid);
    list.remove(uid);
  };

  // Open when they were deleted: Undo opens them again.
  const closed = new Set<number>();
  const deletions = new Deletions(store, toasts, {
    hidden: (conversation) => {
      const neighbour = sidebar.neighbour(conversation.id);
      const wasOpen = isOpen(conversation);
      const hadFocus = sidebar.hasFocus;
      sidebar.render();
      if (wasOpen) {
        closed.add(conversation.id);
        go({ view: 'list' }, 'replace');
      }
      if (hadFocus || wasOpen) sidebar.focusRow(neighbour);
    },
    shown: (conversation) => {
      list.put(conversation);
      pane.update(conversation);
      const { id } = conversation;
      if (closed.delete(id) && currentRoute().view === 'list') go({ view: 'chat', id }, 'replace');
      else sidebar.focusRow(id);
      announce('The chat is back.');
    },
    elsewhere: () => {
      sidebar.render();
      // What cannot be read now says so when it is asked for.
      void pane.look().catch(() => undefined);
    },
    gone,
  });

  const sidebar = new Sidebar(list, {
    isHidden: (uid) => deletions.has(uid),
    rename: (id, title) => chats.change(id, { title }),
    delete: (id) => {
      const conversation = list.find(id);
      if (conversation) void deletions.delete(conversation);
    },
    filter: (brain) => void list.filter(brain),
    openStorage: () => void panel.open(),
  });

  const toList = () => {
    if (isNarrow()) go({ view: 'list' });
    sidebar.focus();
  };
  const pane = new ChatPane(chats, drafts, toasts, {
    isHidden: (uid) => deletions.has(uid),
    delete: (conversation) => void deletions.delete(conversation),
    escape: toList,
    opened: ({ id }) => go({ view: 'chat', id }, 'replace'),
  });

  const panel = new StoragePanel(store, toasts, {
    settle: () => deletions.finishAll(),
    restored: () => {
      go({ view: 'list' }, 'replace');
      list.brain = undefined;
      void list.reread();
    },
    status: (status) => {
      sidebar.setStorage(storageWords(status));
      if (status.outdated) outdated.show();
    },
  });

  new Follow(store, {
    changed: (conversation) => {
      list.put(conversation);
      pane.update(conversation);
    },
    gone: (uid) => {
      deletions.forget(uid);
      gone(uid);
    },
    messages: (id, anew) => pane.catchUp(id, anew),
    anew: async () => {
      await Promise.all([list.reread(), pane.reread(), panel.refresh()]);
    },
  });

  // Before anything is listed: what was shown as deleted is not to come back.
  await deletions.finishEarlier();

  const skip = h(
    'button',
    { type: 'button', class: 'button skip', onclick: () => pane.focus() },
    'Skip to the chat',
  );
  const app = h('div', { class: 'app' }, skip, sidebar.element, pane.element);
  root.replaceChildren(outdated.element, app, toasts.element, ...liveRegions());

  const show = (route: Route, focus: boolean) => {
    // Where there is room for one view only, this says which.
    app.dataset.view = route.view === 'list' ? 'list' : 'chat';
    sidebar.setCurrent(route.view === 'chat' ? route.id : undefined);
    if (focus && route.view === 'list' && isNarrow()) sidebar.focus();
    return pane.show(route, focus);
  };
  onRoute((route) => void show(route, true));

  document.addEventListener('keydown', (event) => {
    const undo = event.key.toLowerCase() === 'z' && (event.ctrlKey || event.metaKey);
    if (!undo || event.shiftKey || isTextField(event.target)) return;
    event.preventDefault();
    toasts.undoNewest();
  });

  // A fault of the page itself is said too, not only written to the console.
  addEventListener('unhandledrejection', ({ reason }) => {
    toasts.fail('That did not work', reason);
  });

  void panel.refresh();
  await Promise.all([list.read(), show(currentRoute(), false)]);
  // Only brains to offer in the filter: not worth a word if it fails.
  await list.seeMore().catch(() => undefined);
}

function isOpen({ id }: Conversation): boolean {
  const route = currentRoute();
  return route.view === 'chat' && route.id === id;
}

function isNarrow(): boolean {
  return matchMedia('(max-width: 719px)').matches;
}
