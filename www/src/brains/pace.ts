// Gives a text word by word, as a model would, for brains that have it whole. Knows no DOM.

/** Milliseconds between two words, at least and at most. */
const PAUSE = [14, 34] as const;

/**
 * A text in its words, each when it is due.
 *
 * @throws the signal's reason.
 */
export async function* wordByWord(text: string, signal: AbortSignal): AsyncGenerator<string> {
  const words = text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];
  let next = performance.now();
  for (let at = 0; at < words.length; ) {
    next += PAUSE[0] + Math.random() * (PAUSE[1] - PAUSE[0]);
    await until(next, signal);
    let due = words[at++] ?? '';
    // A tab that is not seen gets its timers late: what should have been said by now is.
    while (at < words.length && next < performance.now() - PAUSE[1]) {
      due += words[at++];
      next += PAUSE[0];
    }
    yield due;
  }
}

function until(time: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, time - performance.now());
    signal.addEventListener('abort', stop, { once: true });
  });
}
