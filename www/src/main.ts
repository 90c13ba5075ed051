// Starts the page. Exposes nothing.

import { startApp } from './app.ts';
import { loadLanguage } from './i18n/index.ts';
import { beginToOpen, openStore, showProblem, welcome } from './opening/open.ts';
import { remembered } from './storage/remembered.ts';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');

let opening = beginToOpen();
await loadLanguage();
if (remembered('hadChats') === undefined) welcome(root);
for (;;) {
  const store = await openStore(root, opening);
  try {
    await startApp(root, store);
    break;
  } catch (error) {
    await store.close().catch(() => undefined);
    await showProblem(root, error);
    opening = beginToOpen();
  }
}
