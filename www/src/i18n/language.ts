// Which language the reader has, and its texts: one catalog for each, of which only the one in use is
// fetched. It is loaded before the rest of the page, and knows nothing of it.

import type { Catalog } from './types.ts';

export const LANGUAGES = ['en', 'ko'] as const;
export type Language = (typeof LANGUAGES)[number];

const STORED = 'chats:language';

let known: Language | undefined;

/** The one chosen here before, or the first of the browser's that is known. */
export function currentLanguage(): Language {
  known ??= chosen() ?? ofBrowser();
  return known;
}

/** Fetches its texts. What goes wrong is said by whoever awaits them. */
export async function beginToLoad(): Promise<Catalog> {
  const { default: catalog } = await (currentLanguage() === 'ko'
    ? import('./ko/index.ts')
    : import('./en/index.ts'));
  return catalog;
}

/** From the next load on. */
export function chooseLanguage(next: Language): void {
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // Not allowed: the browser's language stays.
  }
}

function chosen(): Language | undefined {
  try {
    const stored = localStorage.getItem(STORED);
    return LANGUAGES.find((known) => known === stored);
  } catch {
    return undefined;
  }
}

function ofBrowser(): Language {
  for (const name of navigator.languages) {
    const known = LANGUAGES.find((each) => each === name.split('-')[0]);
    if (known) return known;
  }
  return 'en';
}
