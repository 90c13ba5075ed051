// Models that are run at home think aloud, between <think> and </think> at the beginning of what they
// say. This takes it apart while it comes, tags cut in two included.

import type { Piece } from './brain.ts';

const OPEN = '<think>';
const CLOSE = '</think>';

export class ThinkTags {
  #state: 'start' | 'thinking' | 'after' | 'said' = 'start';
  #kept = '';
  #thought = false;

  *read(text: string): Generator<Piece> {
    this.#kept += text;
    if (this.#state === 'start') {
      const begun = this.#kept.trimStart();
      if (begun === '' || (OPEN.startsWith(begun) && begun.length < OPEN.length)) return;
      if (begun.startsWith(OPEN)) {
        this.#kept = begun.slice(OPEN.length);
        this.#state = 'thinking';
      } else {
        this.#state = 'said';
      }
    }
    if (this.#state === 'thinking') {
      const end = this.#kept.indexOf(CLOSE);
      // What may be the beginning of the tag waits for the rest.
      const until = end === -1 ? this.#kept.length - partial(this.#kept) : end;
      // The line break after the tag belongs to it.
      const piece = this.#kept.slice(0, until);
      const thought = this.#thought ? piece : piece.replace(/^\s+/, '');
      this.#thought ||= thought !== '';
      if (thought !== '') yield { reasoning: thought };
      this.#kept = end === -1 ? this.#kept.slice(until) : this.#kept.slice(end + CLOSE.length);
      if (end !== -1) this.#state = 'after';
    }
    if (this.#state === 'after') {
      this.#kept = this.#kept.trimStart();
      if (this.#kept !== '') this.#state = 'said';
    }
    if (this.#state === 'said') {
      const said = this.#kept;
      this.#kept = '';
      if (said !== '') yield said;
    }
  }

  /** What was kept for a tag that did not come. */
  *end(): Generator<Piece> {
    const kept = this.#kept;
    this.#kept = '';
    if (kept.trim() === '') return;
    yield this.#state === 'thinking' ? { reasoning: kept } : kept;
  }
}

/** How many characters at the end may begin the closing tag. */
function partial(text: string): number {
  for (let length = Math.min(CLOSE.length - 1, text.length); length > 0; length -= 1) {
    if (CLOSE.startsWith(text.slice(-length))) return length;
  }
  return 0;
}
