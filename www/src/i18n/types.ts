// What a translation has to have: every text of the English catalog, and of plurals the forms that its
// language has (`_other` always). tests/rules holds that what stands in a text is the same.

import type english from './en/index.ts';

/** An area in another language. */
export type Translated<Area> = {
  readonly [K in keyof Area as K extends `${string}_one` ? never : K]: string;
};

/** All areas, in whatever language. */
export type Catalog = { readonly [A in keyof typeof english]: Translated<(typeof english)[A]> };
