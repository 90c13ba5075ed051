// Starts the page: says what it is to who is new here, in the reader's language; the store begins to open,
// and the texts to come, before the code of the page itself is there. Exposes nothing.

import { beginToLoad, currentLanguage } from './i18n/language.ts';
import { remembered } from './storage/remembered.ts';

const { documentElement } = document;
documentElement.lang = currentLanguage();
documentElement.toggleAttribute('data-new', remembered('hadChats') === undefined);

const { beginToOpen } = await import('./opening/begin.ts');
const texts = beginToLoad();
const opening = beginToOpen();
const { start } = await import('./start.ts');
await start(opening, texts);
