// Why there is no answer, or no more of one: as it was said, and what can be done about it.

import { explain, failureOf } from '../brains/explain.ts';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { shorten } from '../text.ts';

/** The note for the error that is stored with a message; undefined if there is nothing to say. */
export function failureNote(error: unknown): HTMLElement | undefined {
  const failure = failureOf(error);
  const said = failure?.message ?? messageIn(error);
  if (said === undefined) return undefined;
  return h(
    'div',
    { class: 'failure', 'data-testid': 'failure' },
    h('p', { class: 'failure-said', dir: 'auto' }, shorten(said, 1_000)),
    failure?.url !== undefined &&
      h('p', { class: 'failure-where', dir: 'auto' }, t('brains.askedAt', { url: failure.url })),
    ...(failure ? explain(failure) : []).map((line) => h('p', { dir: 'auto' }, line)),
  );
}

function messageIn(error: unknown): string | undefined {
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' && message !== '' ? message : undefined;
}
