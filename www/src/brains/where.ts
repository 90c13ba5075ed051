// Says where what one writes goes, before it is sent.

import { t } from '../i18n/index.ts';
import type { Brains } from './brains.ts';
import { isLocal } from './endpoints.ts';

/** @param model The conversation's own, where it has one. */
export function whereWords(brains: Brains, name: string, model: string | undefined): string {
  const brain = brains.find(name);
  if (!brain) return t('brains.whereNobody', { name });
  if (brain.host === undefined) return t('brains.whereHere');
  const endpoint = brains.endpoints.find(name);
  if (endpoint?.keyed && brains.endpoints.keyOf(name) === '') {
    return t('brains.whereNoKey', { host: brain.host });
  }
  const used = model ?? brain.model ?? '';
  const known = { host: brain.host, model: used };
  if (endpoint && isLocal(endpoint.url)) {
    return used === ''
      ? t('brains.whereLocal', { host: brain.host })
      : t('brains.whereLocalModel', known);
  }
  return used === '' ? t('brains.whereTo', { host: brain.host }) : t('brains.whereToModel', known);
}
