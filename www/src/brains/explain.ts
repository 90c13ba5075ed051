// What a failure means and what can be done, beside what the other side said. A browser does not tell
// a page why a request failed, so what it mostly is has to be said. Knows no DOM.

import { t } from '../i18n/index.ts';
import type { BrainFailure } from './brain.ts';
import { hostOf, isLocal } from './endpoints.ts';
import { presetOf } from './presets.ts';

/** What is stored as the error of a message, where a brain of this page wrote it. */
export function failureOf(error: unknown): BrainFailure | undefined {
  const { kind, message } = (error ?? {}) as Partial<BrainFailure>;
  const known = kind === 'network' || kind === 'status' || kind === 'answer' || kind === 'key';
  return known && typeof message === 'string' ? (error as BrainFailure) : undefined;
}

/** In a few sentences; [] where the message says it all. */
export function explain({ kind, url = '', status }: BrainFailure): string[] {
  const host = hostOf(url);
  if (kind === 'key') return [t('brains.explainNoKey')];
  // That it could be read says that the page may ask.
  if (kind === 'status' && status === 401) return [t('brains.explain401', { host })];
  if (kind === 'status' && status === 403) {
    return [t('brains.explainKey', { host }), ...origin(url)];
  }
  if (kind === 'status' && status === 404) return [t('brains.explain404', { host })];
  if (kind === 'status' && status === 429) return [t('brains.explain429', { host })];
  if (kind !== 'network') return [];
  if (location.protocol === 'https:' && url.startsWith('http:') && !isLocal(url)) {
    return [t('brains.explainMixed', { host })];
  }
  return [t('brains.explainNetwork', { host }), ...origin(url)];
}

/** How a server on this device is told to answer this page. */
function origin(url: string): string[] {
  const page = location.origin;
  const preset = presetOf(url);
  if (preset === 'ollama') return [t('brains.explainOllama', { origin: page })];
  if (preset === 'lmstudio') return [t('brains.explainLmStudio')];
  return isLocal(url) ? [t('brains.explainLocal', { origin: page })] : [t('brains.explainCors')];
}
