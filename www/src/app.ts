// Puts the page together once the store is open: which part asks which other part for what.

import type { Conversation, ConversationStore, StoreStatus } from 'conversation-store';
import { announce, liveRegions } from './announce.ts';
import { Brains } from './brains/brains.ts';
import { connectModel } from './brains/connect.ts';
import { Answers } from './chat/answers.ts';
import { ChatPane, loadViews } from './chat/chat-pane.ts';
import { Chats } from './chat/chats.ts';
import { Drafts } from './chat/drafts.ts';
import { h, isTextField } from './dom.ts';
import { t } from './i18n/index.ts';
import { Outdated } from './opening/outdated.ts';
import {
  currentList,
  currentRoute,
  go,
  type ListView,
  onRoute,
  type Route,
  settle,
} from './route.ts';
import { addSamples } from './samples/samples.ts';
import { Search } from './search/search.ts';
import { SearchPanel } from './search/search-panel.ts';
import { ChatList } from './sidebar/chat-list.ts';
import { Sidebar } from './sidebar/sidebar.ts';
import { Backups } from './storage/backups.ts';
import { forget, remember, remembered } from './storage/remembered.ts';
import type { StoragePanel } from './storage/storage-panel.ts';
import { storageWords } from './storage/words.ts';
import { shorten } from './text.ts';
import { Toasts } from './toasts.ts';
import { Transfer } from './transfer/transfer.ts';
import { keepForOffline } from './updates.ts';
import { titleOf } from './words.ts';

export async function startApp(root: HTMLElement, store: ConversationStore): Promise<void> {
  // Before all else: the store reads while the page is made.
  const begun = currentList();
  const list = new ChatList(store, begun.brain, begun.archived ?? false);
  // A watch asks when what is under way has come to its end: what follows takes longer than the store does.
  await new Promise((resolve) => setTimeout(resolve));
  const drafts = new Drafts();
  const outdated = new Outdated();
  const toasts = new Toasts(
    () => {
      if (isNarrow() && currentRoute().view !== 'list') pane.element.focus();
      else sidebar.focus();
    },
    () => outdated.show(),
  );
  const brains = new Brains(store);
  const answers = new Answers(store, brains, toasts);
  const chats = new Chats(store, answers, brains, list, toasts);

  const trash = async (conversation: Conversation) => {
    const { id } = conversation;
    const neighbour = sidebar.neighbour(id);
    const wasOpen = isOpen(conversation);
    const done = await chats.trash(conversation, () => {
      announce(t('trash.back'));
      if (wasOpen && currentRoute().view === 'list') go({ view: 'chat', id }, 'replace');
    });
    // Unless one has gone elsewhere meanwhile.
    if (!done || !isOpen(conversation)) return;
    go({ view: 'list' }, 'replace');
    sidebar.focusRow(neighbour);
  };

  const archive = async (conversation: Conversation) => {
    const { id, archived } = conversation;
    const neighbour = sidebar.neighbour(id);
    if (!(await chats.change(id, { archived: !archived }))) return;
    const name = shorten(titleOf(conversation), 40);
    toasts.show(t(archived ? 'sidebar.unarchived' : 'sidebar.archived', { name }), {
      undo: () => void chats.change(id, { archived }),
    });
    sidebar.focusRow(neighbour);
  };

  const search = new Search(
    store,
    () => sidebar.renderSearch(),
    () => keepList(),
  );
  // What the list shows is part of the address.
  const keepList = () =>
    settle(currentRoute(), {
      ...(list.brain !== undefined && { brain: list.brain }),
      archived: list.archived,
      query: search.query,
      ...(search.period && { period: search.period }),
    });
  const showList = ({ brain, archived = false, query = '', period }: ListView) => {
    if (brain !== list.brain || archived !== list.archived) list.filter(brain, archived);
    search.filter(brain, archived);
    search.since(period);
    search.find(query);
  };
  const searchPanel = new SearchPanel(search);
  const sidebar = new Sidebar(list, searchPanel, {
    rename: (id, title) => chats.change(id, { title }),
    delete: (id) => {
      const conversation = list.find(id);
      if (conversation) void trash(conversation);
    },
    pin: ({ id, pinned }) => void chats.change(id, { pinned: !pinned }),
    archive: (conversation) => void archive(conversation),
    filter: (brain, archived) => {
      list.filter(brain, archived);
      search.filter(brain, archived);
    },
    openStorage: () => void openStorage(),
  });

  const toList = () => {
    if (isNarrow()) go({ view: 'list' });
    sidebar.focus();
  };
  const pane = new ChatPane(chats, drafts, toasts, {
    delete: (conversation) => void trash(conversation),
    export: (conversation, kind) => void transfer.exportChat(conversation, kind),
    escape: toList,
    forked: (id) => {
      sidebar.reveal(id);
      go({ view: 'chat', id });
    },
    opened: ({ id }) => {
      sidebar.reveal(id);
      go({ view: 'chat', id }, 'replace');
    },
    trash: {
      restore: (id) => chats.restore(id),
      deleteForGood: async (conversation) => {
        await chats.deleteForGood(conversation);
        drafts.remove(conversation.uid);
      },
      emptyTrash: () => chats.emptyTrash(),
    },
    isFirstRun: () => list.isEmpty === true,
    firstRun: {
      importFile: () => transfer.pickFile(),
      connect: () => void connectModel(brains.endpoints),
      addSamples: async () => {
        try {
          await addSamples(store);
        } catch (error) {
          toasts.fail(t('firstRun.samplesFailed'), error);
        }
      },
      restore: () => void openStorage(true),
    },
    problem: {
      backUp: () => void backUp(),
      openStorage: () => void openStorage(),
      restore: () => void openStorage(true),
    },
  });

  const backups = new Backups(store, {
    changed: () => sidebar.setBackup(backups.last),
    remind: () => {
      toasts.show(t('storage.remind'), {
        stays: true,
        action: { label: t('storage.backUpNow'), run: () => void backUp() },
      });
    },
    failed: (error) => toasts.fail(t('storage.folderFailed'), error),
  });
  const backUp = async () => {
    try {
      await backups.now();
      toasts.show(t('storage.backedUpNow'));
    } catch (error) {
      toasts.fail(t('storage.folderFailed'), error);
    }
  };

  const transfer = new Transfer(store, toasts, {
    importing: () => panel?.close(),
    refuge: () => sidebar.focus(),
  });
  // Fetched and made when it is first asked for.
  let panel: StoragePanel | undefined;
  const openStorage = async (toRestore = false) => {
    if (!panel) {
      const { StoragePanel } = await import('./storage/storage-panel.ts');
      // What was opened meanwhile stays in front.
      if (document.querySelector('dialog[open]')) return;
      panel ??= new StoragePanel(store, toasts, {
        section: transfer.section,
        backups,
        restored: () => {
          go({ view: 'list' }, 'replace');
          list.filter(undefined);
        },
        refresh,
      });
    }
    await (toRestore ? panel.pickBackup() : panel.open());
  };
  const onStatus = (status: StoreStatus) => {
    sidebar.setStorage(storageWords(status));
    if (status.outdated) outdated.show();
    panel?.show(status);
  };
  const refresh = () => store.status().then(onStatus);
  // Where it cannot be read now, the panel says why when it is opened.
  const refreshIfReadable = () => void refresh().catch(() => undefined);
  store.addEventListener('status', ({ detail }) => onStatus(detail));
  store.addEventListener('change', ({ detail }) => {
    if (detail.reset) refreshIfReadable();
  });

  const skip = h(
    'button',
    { type: 'button', class: 'button skip', onclick: () => pane.focus() },
    t('app.skip'),
  );
  // Both halves: where there is room for one only, either is what the page is about.
  const app = h(
    'main',
    { class: 'app' },
    skip,
    // Whichever half is on show.
    h('header', { class: 'unseen' }, h('h1', {}, t('app.name'))),
    sidebar.element,
    pane.element,
    transfer.field,
  );
  root.replaceChildren(outdated.element, app, toasts.element, ...liveRegions());

  let wasEmpty: boolean | undefined;
  /** Where there is nothing yet, one is told how to begin; where there is, backups have something to do. */
  const followEmptiness = () => {
    const { isEmpty, state } = list;
    if (state !== 'ready' || isEmpty === undefined || isEmpty === wasEmpty) return;
    const isFirst = wasEmpty === undefined;
    wasEmpty = isEmpty;
    backups.isEmpty = isEmpty;
    if (isFirst && isEmpty && remembered('hadChats') !== undefined) {
      go({ view: 'problem', kind: 'evicted' }, 'replace');
    }
    if (isEmpty) forget('hadChats');
    else remember('hadChats');
    if (currentRoute().view === 'list') void show(currentRoute(), false);
  };
  // Once something is kept here that would be missed.
  store.addEventListener('change', ({ detail }) => {
    const isMine = detail.changes.some(({ kind, local }) => kind === 'message' && local);
    if (!isMine || remembered('asked') !== undefined) return;
    remember('asked');
    // Not agreed yet, or not to be asked here: the storage panel has a button for it.
    void store.persist().then(refreshIfReadable, () => undefined);
  });

  const show = (route: Route, focus: boolean) => {
    // Where there is room for one view only, this says which.
    app.dataset.view = route.view === 'list' && !list.isEmpty ? 'list' : 'chat';
    sidebar.setCurrent(route);
    if (route.view === 'trash') chats.hideUndo();
    if (focus && route.view === 'list' && isNarrow()) sidebar.focus();
    const shown = pane.show(route, focus);
    // A reload is to show the chat as it then is, and the same hit chosen again is another address.
    if (route.view === 'chat' && route.message !== undefined)
      settle({ view: 'chat', id: route.id });
    return shown;
  };
  onRoute((route, listView) => {
    // Back, for one: what they are about is not what is beneath them any more.
    for (const dialog of document.querySelectorAll<HTMLDialogElement>('dialog:modal')) {
      dialog.close();
    }
    showList(listView);
    void show(route, true);
  });

  document.addEventListener('keydown', (event) => {
    const byK = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey);
    const bySlash =
      event.key === '/' && !event.ctrlKey && !event.metaKey && !isTextField(event.target);
    const other = event.altKey || (byK && event.shiftKey);
    if (!(byK || bySlash) || other || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    if (isNarrow()) go({ view: 'list' });
    searchPanel.start();
  });

  document.addEventListener('keydown', (event) => {
    const undo = event.key.toLowerCase() === 'z' && (event.ctrlKey || event.metaKey);
    if (!undo || event.shiftKey || isTextField(event.target)) return;
    event.preventDefault();
    toasts.undoNewest();
  });

  // A fault of the page itself is said too, not only written to the console.
  addEventListener('unhandledrejection', ({ reason }) => {
    toasts.fail(t('app.didNotWork'), reason);
  });

  sidebar.setBackup(backups.last);
  list.follow(
    () => {
      sidebar.render();
      followEmptiness();
    },
    () => keepList(),
  );
  showList(begun);
  await Promise.all([show(currentRoute(), false), list.first]);
  keepList();
  refreshIfReadable();
  backups.begin();
  // When all is there that was asked for, what will be asked for next.
  void loadViews().catch(() => undefined);
  void keepForOffline({
    ready: (use) =>
      toasts.show(t('app.updateReady'), {
        stays: true,
        action: { label: t('app.updateUse'), run: use },
      }),
    replaced: () => outdated.show(),
  }).catch((error) => console.info('The page is not kept for offline:', error));
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
