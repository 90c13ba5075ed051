// The brain of an endpoint that the reader saved: says who it is at once, and loads what speaks to it with
// the first question.

import type { Brain, Piece, Question } from './brain.ts';
import { type Endpoint, hostOf } from './endpoints.ts';
import type { ReadBlob } from './openai.ts';

export class EndpointBrain implements Brain {
  constructor(
    private readonly endpoint: Endpoint,
    private readonly key: string,
    private readonly readBlob: ReadBlob,
  ) {}

  get name(): string {
    return this.endpoint.name;
  }

  get host(): string {
    return hostOf(this.endpoint.url);
  }

  get model(): string | undefined {
    return this.endpoint.model || undefined;
  }

  async *answer(question: Question): AsyncGenerator<Piece> {
    yield* (await this.#load()).answer(question);
  }

  async title(question: string, answer: string, signal: AbortSignal): Promise<string | undefined> {
    return (await this.#load()).title(question, answer, signal);
  }

  async #load() {
    const { OpenAiBrain } = await import('./openai.ts');
    return new OpenAiBrain(this.endpoint, this.key, this.readBlob);
  }
}
