// Who can answer here: the brains that come with the page, and the endpoints that the reader has saved.
// Any other name is one that a conversation has from elsewhere, and nobody answers to.

import type { ConversationStore } from 'conversation-store';
import type { Brain } from './brain.ts';
import { ECHO, echo } from './echo.ts';
import { EndpointBrain } from './endpoint-brain.ts';
import { Endpoints } from './endpoints.ts';
import { OFFLINE, OfflineBrain } from './offline.ts';

/** The names that cannot be given to an endpoint. */
export const BUILT_IN: readonly string[] = [OFFLINE, ECHO];

export class Brains {
  readonly endpoints = new Endpoints();
  readonly #offline: Brain;

  constructor(private readonly store: ConversationStore) {
    this.#offline = new OfflineBrain(store);
  }

  /** The brain of a name; undefined if nobody here answers to it. */
  find(name: string): Brain | undefined {
    if (name === OFFLINE) return this.#offline;
    if (name === ECHO) return echo;
    const endpoint = this.endpoints.find(name);
    if (!endpoint) return undefined;
    return new EndpointBrain(endpoint, this.endpoints.keyOf(name), (ref) =>
      this.store.getBlob(ref),
    );
  }

  /** The one that answers until another is chosen: the endpoint saved last, or the offline one. */
  get likely(): string {
    return this.endpoints.all.at(-1)?.name ?? OFFLINE;
  }
}
