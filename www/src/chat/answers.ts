// Answers under way in this tab: streams what a brain says into the store, and stops it. What comes of
// it is shown by watches, here as in every other tab. Knows no element of the page.

import type { Conversation, ConversationStore, Message, MessagePatch } from 'conversation-store';
import { type Brain, BrainError, type BrainFailure } from '../brains/brain.ts';
import type { Brains } from '../brains/brains.ts';
import { OFFLINE } from '../brains/offline.ts';
import { t } from '../i18n/index.ts';
import type { Toasts } from '../toasts.ts';
import { AnswerParts } from './answer-parts.ts';
import { settingsOf } from './settings.ts';
import { nameByBrain } from './titles.ts';

/** So many messages go along with a question at most. */
export const CONTEXT = 200;

export interface Asking {
  /** How many answers there were: the next one is another. */
  variant?: number;
  /** The answer that is to go on, instead of a new one. */
  begun?: Message;
}

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
    private readonly brains: Brains,
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
   * Answers a question by the brain of its conversation, or by the page's own where nobody answers to
   * that name, beside the answers it may have already. Resolves when that has ended, however it did.
   */
  async write(conversationId: number, questionId: number, asking: Asking = {}): Promise<void> {
    while (this.isWriting(conversationId)) await this.stop(conversationId);
    const abort = new AbortController();
    const done = this.#write(conversationId, questionId, asking, abort.signal)
      .catch((error) => this.toasts.fail(t('chat.brokeOff'), error))
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

  async #write(id: number, questionId: number, asking: Asking, signal: AbortSignal): Promise<void> {
    const conversation = await this.store.getConversation(id);
    const question = await this.store.getMessage(questionId);
    const brain = this.brains.find(conversation?.brain ?? OFFLINE) ?? this.brains.find(OFFLINE);
    if (!conversation || !question || !brain) return;
    const before = await this.store.messagesFor(id, {
      before: { id: questionId },
      limit: CONTEXT - 1,
    });
    const path = [...before, question];
    const answer = await this.#stream(conversation, brain, path, asking, signal);
    // The first question has been answered: now there is something to name the chat after.
    if (answer !== undefined && before.length === 0) {
      void nameByBrain(this.store, id, brain, question.content, answer).catch(() => undefined);
    }
  }

  /** Resolves to the text of the answer; undefined if it did not come to its end. */
  async #stream(
    conversation: Conversation,
    brain: Brain,
    path: readonly Message[],
    { variant = 0, begun }: Asking,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { id } = conversation;
    const { system, model } = settingsOf(conversation);
    const name = (brain.host === undefined ? undefined : (model ?? brain.model)) ?? brain.name;
    const parentId = path.at(-1)?.id ?? null;
    const stream = await this.store.messageWriter(
      id,
      begun ? { messageId: begun.id } : { parentId, model: name },
    );
    const writer = stream.getWriter();
    const parts = new AnswerParts(writer, begun?.parts ?? []);
    try {
      if (begun) await writer.write({ error: null, finishReason: null });
      const question = {
        conversationId: id,
        path,
        system,
        model,
        variant,
        begun: begun?.content ?? '',
        signal,
      };
      for await (const piece of brain.answer(question)) await parts.write(piece);
      signal.throwIfAborted();
      await parts.end();
      await writer.close();
      return parts.text;
    } catch (error) {
      await breakOff(writer, parts, signal, error);
      return undefined;
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Keeps what came, and why there is no more. */
async function breakOff(
  writer: WritableStreamDefaultWriter<string | MessagePatch>,
  parts: AnswerParts,
  signal: AbortSignal,
  error: unknown,
): Promise<void> {
  if (signal.aborted) {
    await parts.end();
    await writer.abort(signal.reason);
    return;
  }
  // Of the store and not of the brain: nothing more can be written.
  if (!(error instanceof BrainError) && isOfStore(error)) {
    await writer.abort(error).catch(() => undefined);
    throw error;
  }
  await parts.end();
  await writer.write({ status: 'error', error: failureOf(error) });
  await writer.close();
}

function failureOf(error: unknown): BrainFailure {
  if (error instanceof BrainError) return error.failure;
  return { kind: 'answer', message: error instanceof Error ? error.message : String(error) };
}

function isOfStore(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConversationStoreError';
}
