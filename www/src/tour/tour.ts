// The tour: the example that people copy first, two tabs in step, and each method as a form.

import type { ConversationStore } from 'conversation-store';
import example from '../../../examples/ai-sdk/main.tsx?raw';
import { announce, liveRegions } from '../announce.ts';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { languageButton } from '../sidebar/language.ts';
import { copyButton } from './copy.ts';
import { EventLog } from './event-log.ts';
import { Frames } from './frames.ts';
import { MethodForm } from './method-form.ts';
import { METHODS, type Method, SAMPLE } from './methods.ts';

const GROUPS = ['conversations', 'messages', 'streams', 'search', 'files', 'store'] as const;

export async function startTour(
  root: HTMLElement,
  open: () => Promise<ConversationStore>,
): Promise<void> {
  // What needs no store is there to be read before anything is fetched for it.
  const main = h(
    'main',
    { class: 'tour-main' },
    h('h1', { class: 'tour-title' }, t('tour.title')),
    h('p', { class: 'tour-lead' }, t('tour.lead')),
    section('use-chat', t('tour.useChat'), t('tour.useChatText'), useChat()),
  );
  root.replaceChildren(
    h(
      'div',
      { class: 'tour' },
      h(
        'header',
        { class: 'tour-head' },
        h('a', { class: 'button', href: './' }, t('tour.toChats')),
        languageButton(),
      ),
      main,
    ),
    ...liveRegions(),
  );
  await painted();
  const store = await open();
  await addSample(store);
  const log = new EventLog(store);
  const frames = new Frames();
  const forms = (group: Method['group']) =>
    METHODS.filter((method) => method.group === group).map(
      (method) => new MethodForm(method, () => store).element,
    );
  const groups = GROUPS.map((group) => ({
    group,
    element: h(
      'div',
      {},
      h('h3', { class: 'tour-group', id: `group-${group}` }, t(`tour.${group}`)),
    ),
  }));
  main.append(
    section('tabs', t('tour.tabs'), t('tour.tabsText'), frames.element),
    section(
      'methods',
      t('tour.methods'),
      t('tour.methodsText'),
      ...groups.map(({ element }) => element),
    ),
    section('events', t('tour.events'), t('tour.eventsText'), log.element),
  );
  main.dataset.testid = 'tour';
  // A group in each turn: what is above them can be used meanwhile.
  for (const { group, element } of groups) {
    await new Promise((resolve) => setTimeout(resolve));
    element.append(...forms(group));
  }
  if (location.hash) document.querySelector(location.hash)?.scrollIntoView();
  addEventListener('unhandledrejection', ({ reason }) => announce(String(reason), 'urgent'));
}

/** Resolves once what is in the page has been painted; at once where nobody sees it. */
function painted(): Promise<void> {
  return new Promise((resolve) => {
    if (document.hidden) resolve();
    else requestAnimationFrame(() => setTimeout(resolve));
  });
}

function section(id: string, title: string, text: string, ...children: Node[]): HTMLElement {
  return h(
    'section',
    { class: 'tour-section', id },
    h('h2', { class: 'tour-subtitle' }, title),
    h('p', { class: 'tour-about' }, text),
    ...children,
  );
}

function useChat(): HTMLElement {
  return h(
    'div',
    { class: 'tour-code tour-example', 'data-testid': 'use-chat' },
    h('pre', { tabindex: 0, 'aria-label': t('tour.useChat') }, h('code', {}, example)),
    copyButton(() => example),
  );
}

/** What the forms begin with; twice makes no second one. */
async function addSample(store: ConversationStore): Promise<void> {
  await store.saveMessages(
    SAMPLE,
    [
      { id: 'question', role: 'user', content: 'Where are my chats kept?' },
      {
        id: 'answer',
        role: 'assistant',
        content: 'In this browser, in a SQLite database.',
        model: 'some-model',
      },
    ],
    { create: { title: 'A tour' } },
  );
}
