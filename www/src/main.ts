// Starts the page: the store begins to open, and the reader's texts to come, before the code of the page
// itself is there. Knows nothing of either. Exposes nothing.

import { beginToLoad } from './i18n/language.ts';
import { beginToOpen } from './opening/begin.ts';

const opening = beginToOpen();
const texts = beginToLoad();
const { start } = await import('./start.ts');
await start(opening, texts);
