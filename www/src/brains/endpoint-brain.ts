// A model behind an endpoint that the reader has saved. What asks it is loaded when it is first asked.

import type { Brain, Piece, Question } from './brain.ts';
import { type Endpoint, hostOf } from './endpoints.ts';
import type { OpenAiBrain, ReadBlob } from './openai.ts';

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
    const brain = await this.#load();
    yield* brain.answer(question);
  }

  async title(question: string, answer: string, signal: AbortSignal): Promise<string | undefined> {
    const brain = await this.#load();
    return brain.title(question, answer, signal);
  }

  async #load(): Promise<OpenAiBrain> {
    const { OpenAiBrain } = await import('./openai.ts');
    return new OpenAiBrain(this.endpoint, this.key, this.readBlob);
  }
}
