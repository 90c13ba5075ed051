/**
 * Requests to a worker that serves one thing and then ends: an import, an export, a salvage. Each is
 * answered, by the worker, by the signal or by the timeout, which begins anew with each progress. Knows no
 * request and no module.
 */

import { aborted, ConversationStoreError, type ErrorData } from './errors.js';
import { type Port, type PortOptions, type Program, start } from './port.js';

/** What such a worker answers. */
type Answer =
  | { id: number; value: unknown }
  | { id: number; error: ErrorData }
  | { id: number; progress: unknown };

/** When to stop. */
export interface Limits {
  signal?: AbortSignal | undefined;
  /** Milliseconds without progress until `timeout`. 30,000 if not given. */
  timeout?: number | undefined;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
  /** Begins the timeout anew. */
  progressed(): void;
}

/** The requests of `R`, each a function from its parameters to its answer. */
// biome-ignore lint/suspicious/noExplicitAny: parameters of any kind.
export class Calls<R extends { [M in keyof R]: (...params: any[]) => unknown }> {
  readonly #port: Port;
  readonly #signal: AbortSignal | undefined;
  readonly #timeout: number;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  /** Why nothing more is answered. */
  #ended: Error | undefined;
  readonly #late: () => Error;

  /** Without a program it is the store's. `late` is said of a timeout. */
  constructor(options: PortOptions & Limits & { late: string }, program?: Program) {
    const { signal, timeout = 30_000, late } = options;
    stopIfAborted(signal);
    this.#signal = signal;
    this.#timeout = timeout;
    this.#late = () => new ConversationStoreError('timeout', `${late} within ${timeout} ms`);
    const events = {
      onAnswer: (data: unknown) => {
        for (const answer of Array.isArray(data) ? data : [data]) this.#answer(answer as Answer);
      },
      onEnd: (error: Error) => this.#end(error),
    };
    this.#port = start(options, events, program);
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  readonly #abort = () => {
    if (this.#signal) this.#end(aborted(this.#signal));
  };

  /** Asks, and waits for the answer. */
  call<M extends keyof R & string>(
    method: M,
    ...params: Parameters<R[M]>
  ): Promise<Awaited<ReturnType<R[M]>>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) throw this.#ended;
      this.#last += 1;
      const id = this.#last;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const progressed = () => {
        clearTimeout(timer);
        if (this.#timeout === Number.POSITIVE_INFINITY) return;
        timer = setTimeout(() => this.#end(this.#late()), Math.min(this.#timeout, 2 ** 31 - 1));
      };
      const settle = <V>(how: (value: V) => void) => {
        return (value: V) => {
          clearTimeout(timer);
          how(value);
        };
      };
      this.#waiting.set(id, {
        resolve: settle(resolve) as (value: unknown) => void,
        reject: settle(reject),
        progressed,
      });
      progressed();
      this.#port.post(this.request(id, method, params));
    });
  }

  /** A request, as the worker takes it. */
  protected request(id: number, method: string, params: unknown[]): object {
    return { id, method, params };
  }

  /** Ends the worker. */
  stop(): void {
    this.#end(new ConversationStoreError('closed', 'the call that this was a part of has ended'));
  }

  #answer(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if ('progress' in answer) {
      waiting?.progressed();
      return;
    }
    this.#waiting.delete(answer.id);
    if ('error' in answer) {
      const { code, message, space: details } = answer.error;
      waiting?.reject(new ConversationStoreError(code, message, { details }));
    } else {
      waiting?.resolve(answer.value);
    }
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#signal?.removeEventListener('abort', this.#abort);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#port.stop();
  }
}

export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}
