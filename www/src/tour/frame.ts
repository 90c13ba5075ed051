// A tab of the tour: shows the newest messages of a chat that both frames have open, and writes when told.

import { ConversationStore } from 'conversation-store';
import { h } from '../dom.ts';
import { loadLanguage, loadTour, t } from '../i18n/index.ts';
import { beginToLoad } from '../i18n/language.ts';
import type { FromFrame, ToFrame } from './frame-messages.ts';

const root = document.getElementById('root');
if (!root) throw new Error('tour-frame.html has no #root');

const name = location.hash.slice(1);
const tell = (message: FromFrame) => parent.postMessage(message, location.origin);

await loadLanguage(beginToLoad());
await loadTour();
const store = await ConversationStore.open('tour-tabs');
const id = await store.createConversation('Two tabs', 'claude', { uid: 'tabs' });

const role = h('span', { class: 'badge', 'data-testid': 'role' });
const list = h('ol', { class: 'frame-list', 'data-testid': 'frame-messages' });
const field = h('input', {
  class: 'field',
  'aria-label': t('tour.say', { name }),
  placeholder: t('tour.say', { name }),
  maxlength: 200,
});
const form = h('form', { class: 'frame-form' }, field);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  const text = field.value.trim();
  field.value = '';
  if (text) void store.addMessage(id, 'user', `${name}: ${text}`);
});
root.replaceChildren(
  h(
    'main',
    { class: 'frame-main', 'aria-label': t('tour.tab', { name }) },
    h('h1', { class: 'frame-title' }, t('tour.tab', { name }), role),
    list,
    form,
  ),
);

const show = (now: string) => {
  role.textContent = now === 'leader' ? t('tour.leader') : t('tour.follower');
  role.dataset.role = now;
  tell({ type: 'role', role: now });
};
store.addEventListener('status', ({ detail }) => show(detail.role));
show((await store.status()).role);
store.watchMessages(id, { limit: 8 }).subscribe((rows) => {
  list.replaceChildren(...rows.map(({ content }) => h('li', {}, content)));
});

let run = '';
addEventListener('message', ({ data, origin }) => {
  if (origin !== location.origin) return;
  const message = data as ToFrame;
  if (message.type === 'write') void write(message.run, message.count);
  else void count();
});

async function write(next: string, count: number): Promise<void> {
  run = next;
  for (let n = 1; n <= count; n += 1) {
    const text = `${run} ${name} ${n}`;
    await store.addMessage(id, 'user', text);
    tell({ type: 'acknowledged', text });
  }
  tell({ type: 'written' });
}

async function count(): Promise<void> {
  const rows = await store.messagesFor(id);
  const texts = rows
    .map(({ content }) => content)
    .filter((content) => content.startsWith(`${run} `));
  tell({ type: 'counted', texts });
}
