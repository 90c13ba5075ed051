// What an answer is made of while it comes: text is appended, all else is a part that is written anew
// when it has grown. Knows no brain and no page.

import type { MessagePart, MessagePatch } from 'conversation-store';
import type { Piece } from '../brains/brain.ts';

/** Milliseconds between two times that a growing part is written: text costs only what came. */
const PAUSE = 200;

export class AnswerParts {
  readonly #parts: MessagePart[];
  #unwritten = false;
  #written = 0;

  constructor(
    private readonly writer: Pick<WritableStreamDefaultWriter<string | MessagePatch>, 'write'>,
    parts: readonly MessagePart[],
  ) {
    this.#parts = parts.map((part) => ({ ...part }));
  }

  /** All of its text. */
  get text(): string {
    return this.#parts
      .filter(({ type }) => type === 'text')
      .map(({ text }) => String(text))
      .join('\n\n');
  }

  async write(piece: Piece): Promise<void> {
    if (typeof piece === 'string') {
      await this.#writeParts();
      this.#grow('text', piece);
      await this.writer.write(piece);
    } else if ('reasoning' in piece) {
      this.#grow('reasoning', piece.reasoning);
      this.#unwritten = true;
      if (performance.now() - this.#written > PAUSE) await this.#writeParts();
    } else if ('tool' in piece) {
      const { toolCallId } = piece.tool;
      const at = this.#parts.findIndex((part) => part.toolCallId === toolCallId);
      if (at === -1) this.#parts.push(piece.tool);
      else this.#parts[at] = piece.tool;
      this.#unwritten = true;
    } else {
      await this.writer.write(piece);
    }
  }

  /** Writes what has not been yet. */
  async end(): Promise<void> {
    await this.#writeParts();
  }

  #grow(type: 'text' | 'reasoning', text: string): void {
    const last = this.#parts.at(-1);
    if (last?.type === type) last.text = `${last.text}${text}`;
    else this.#parts.push({ type, text });
  }

  async #writeParts(): Promise<void> {
    if (!this.#unwritten) return;
    this.#unwritten = false;
    this.#written = performance.now();
    await this.writer.write({ parts: this.#parts.map((part) => ({ ...part })) });
  }
}
