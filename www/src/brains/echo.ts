// The brain that says what it was told: to see how an answer comes, is kept and is shown.

import type { Brain, Piece, Question } from './brain.ts';
import { wordByWord } from './pace.ts';

export const ECHO = 'echo';

export const echo: Brain = {
  name: ECHO,
  host: undefined,
  model: undefined,
  async *answer({ path, begun, signal }: Question): AsyncGenerator<Piece> {
    const text = path.at(-1)?.content ?? '';
    yield* wordByWord(text.startsWith(begun) ? text.slice(begun.length) : text, signal);
  },
};
