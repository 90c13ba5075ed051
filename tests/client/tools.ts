/** What the tests of this folder share. */

import { ConversationStoreError } from '../../src/client/errors.js';

/** A promise with its ends outside. */
export class Deferred<T = void> {
  resolve: (value: T) => void = () => {};
  reject: (error: unknown) => void = () => {};
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/** Lets everything run that waits for no timer and no answer of a fake. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves to 'pending' if the promise is, once all else has run. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  const seen = promise.then(
    (value) => value ?? 'resolved',
    (error) => error,
  );
  const later = settle().then(() => 'pending');
  return Promise.race([seen, later]);
}

export function failure(code: ConversationStoreError['code'] = 'timeout', message = 'too late') {
  return new ConversationStoreError(code, message);
}

/** Numbers that look random and are the same for a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}
