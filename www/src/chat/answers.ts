// Answers under way in this tab: streams what the answerer says into the store, and stops it.
// What comes of it is shown by watches, here as in every other tab. Knows no element of the page.

import type { ConversationStore } from 'conversation-store';
import { answerTo } from '../brains/offline.ts';
import { t } from '../i18n/index.ts';
import type { Toasts } from '../toasts.ts';
import { OFFLINE } from '../words.ts';

interface Stream {
  abort: AbortController;
  done: Promise<void>;
}

export class Answers {
  // By conversation: one at a time in each.
  readonly #streams = new Map<number, Stream>();
  readonly #listeners = new Set<() => void>();

  constructor(
    private readonly store: ConversationStore,
    private readonly toasts: Toasts,
  ) {}

  isWriting(conversationId: number): boolean {
    return this.#streams.has(conversationId);
  }

  /** Tells when an answer has begun or ended, until the function it returns is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Answers a question, beside the answers it may have already. Resolves when that has ended, however it
   * did.
   *
   * @param variant How many answers there were: the next one is another.
   */
  async write(
    conversationId: number,
    questionId: number,
    question: string,
    variant = 0,
  ): Promise<void> {
    while (this.isWriting(conversationId)) await this.stop(conversationId);
    const abort = new AbortController();
    const done = this.#stream(conversationId, questionId, answerTo(question, variant), abort.signal)
      .catch((error) => {
        // Stopped by the reader: the text that came is kept.
        if (!abort.signal.aborted) this.toasts.fail(t('chat.brokeOff'), error);
      })
      .finally(() => {
        this.#streams.delete(conversationId);
        this.#tell();
      });
    this.#streams.set(conversationId, { abort, done });
    this.#tell();
    await done;
  }

  /** Resolves when what was written until now is stored. */
  async stop(conversationId: number): Promise<void> {
    const stream = this.#streams.get(conversationId);
    stream?.abort.abort();
    await stream?.done;
  }

  async #stream(
    conversationId: number,
    parentId: number,
    answer: ReadableStream<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const writer = await this.store.messageWriter(conversationId, { parentId, model: OFFLINE });
    await answer.pipeTo(writer, { signal });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
