// What the page says, in the reader's language. Keys and what a text has to be given are checked by the
// compiler. Knows no DOM but the document's language.

import { createInstance } from 'i18next';
import type english from './en/index.ts';
import type { problemPages } from './en/problemPages.ts';
import type { tour as englishTour } from './en/tour.ts';
import { currentLanguage, type Language } from './language.ts';
import type { Catalog } from './types.ts';

export { chooseLanguage, currentLanguage, LANGUAGES } from './language.ts';
export type { Catalog, Language };

/** The languages by their own names. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', ko: '한국어' };

type English = typeof english & {
  tour: typeof englishTour;
  problemPages: typeof problemPages;
};
type Plain<K> = K extends `${infer Base}_${'one' | 'other'}` ? Base : K;
type Keys = { [A in keyof English & string]: `${A}.${Plain<keyof English[A] & string>}` };
/** The name of a text: its area and its own, without the ending of a plural. */
export type TextKey = Keys[keyof Keys];

type TextIn<A, K extends string> = K extends keyof A
  ? A[K]
  : `${K}_other` extends keyof A
    ? A[`${K}_other`]
    : never;
type TextOf<K extends string> = K extends `${infer A}.${infer Own}`
  ? A extends keyof English
    ? TextIn<English[A], Own>
    : never
  : never;
type Names<S> = S extends `${string}{{${infer Name}}}${infer Rest}` ? Name | Names<Rest> : never;
type Given<K extends TextKey> = [Names<TextOf<K>>] extends [never]
  ? []
  : [values: { [N in Names<TextOf<K>>]: string | number }];

const texts = createInstance();

/** A text, with what is to stand in it. Of `count` the plural is chosen, and the number is the reader's. */
export function t<K extends TextKey>(key: K, ...[values]: Given<K>): string {
  const given: Record<string, string | number> = { ...values };
  // i18next chooses by `count`; what is shown in its place is written as the reader writes numbers.
  if (typeof given.count === 'number') given.shown = number(given.count);
  return texts.t(key, given);
}

/** Says everything in the reader's language from now on. @param coming Its texts. */
export async function loadLanguage(coming: Promise<Catalog>): Promise<void> {
  const catalog = await coming;
  const language = currentLanguage();
  await texts.init({
    lng: language,
    resources: { [language]: { translation: withShownCounts(catalog) } },
    // Every text becomes a text node: nothing is to be escaped.
    interpolation: { escapeValue: false },
    initAsync: false,
  });
  document.documentElement.lang = language;
}

/** Loads what only the tour says as well. */
export async function loadTour(): Promise<void> {
  const isKorean = currentLanguage() === 'ko';
  add(await (isKorean ? import('./ko/tour.ts') : import('./en/tour.ts')));
}

/** Loads what only the pages about problems say as well. */
export async function loadProblemPages(): Promise<void> {
  const isKorean = currentLanguage() === 'ko';
  add(await (isKorean ? import('./ko/problemPages.ts') : import('./en/problemPages.ts')));
}

function add(catalog: object): void {
  texts.addResourceBundle(currentLanguage(), 'translation', withShownCounts(catalog), true);
}

/** The reader's own way to write times and numbers, in the language of the page. */
export function locale(): string {
  return (
    navigator.languages.find((name) => name.split('-')[0] === currentLanguage()) ??
    currentLanguage()
  );
}

let numbers: Intl.NumberFormat | undefined;

/** A number as the reader writes it. */
export function number(value: number): string {
  numbers ??= new Intl.NumberFormat(locale());
  return numbers.format(value);
}

/** `{{count}}` is a plain number to i18next; the reader sees it with his separators. */
function withShownCounts(catalog: object): Record<string, Record<string, string>> {
  return Object.fromEntries(
    Object.entries(catalog).map(([area, own]) => [
      area,
      Object.fromEntries(
        Object.entries(own as Record<string, string>).map(([key, text]) => [
          key,
          text.replaceAll('{{count}}', '{{shown}}'),
        ]),
      ),
    ]),
  );
}
