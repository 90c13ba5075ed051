// What a brain is: who answers in a conversation. It gets the messages so far and gives the answer in
// pieces. Knows no store and no page.

import type { Message, MessagePart, MessageUsage } from 'conversation-store';

/** What is to be answered. */
export interface Question {
  /** Which conversation it is asked in. */
  conversationId: number;
  /** The messages up to the one to answer, oldest first. */
  path: readonly Message[];
  /** What the conversation is to be about, and how: said before everything else. */
  system: string | undefined;
  /** The conversation's model, where it has one of its own. */
  model: string | undefined;
  /** How many answers there are already: the next one is another. */
  variant: number;
  /** The beginning of the answer, where it is to go on. */
  begun: string;
  signal: AbortSignal;
}

/** A piece of an answer: text, or something about it. */
export type Piece =
  | string
  | { reasoning: string }
  /** A call of a tool, as it is known by now; one of the same `toolCallId` takes its place. */
  | { tool: MessagePart & { toolCallId: string } }
  | { model?: string; usage?: MessageUsage; finishReason?: string };

export interface Brain {
  /** How conversations name it. */
  readonly name: string;
  /** Where what is written goes: a host, or undefined where it stays on this page. */
  readonly host: string | undefined;
  /** The model it answers with where a conversation names none. */
  readonly model: string | undefined;
  /** @throws what the reader is to be told; a `BrainError` says it in full. */
  answer(question: Question): AsyncIterable<Piece>;
  /** A title for a conversation that began like this; undefined if it has none to offer. */
  title?(question: string, answer: string, signal: AbortSignal): Promise<string | undefined>;
}

/** Why there is no answer, as it is stored with the message. */
export interface BrainFailure {
  /** What kind of failure it is: decides what the reader is told beside the message. */
  kind: 'network' | 'status' | 'answer' | 'key';
  /** As the other side, or the browser, said it. */
  message: string;
  /** Whom it was asked of. */
  url?: string;
  status?: number;
}

export class BrainError extends Error {
  override readonly name = 'BrainError';

  constructor(readonly failure: BrainFailure) {
    super(failure.message);
  }
}
