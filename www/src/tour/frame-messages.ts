// What the tour and its frames say to each other.

export type ToFrame =
  /** Write so many messages, one after another, each named after the run. */
  | { type: 'write'; run: string; count: number }
  /** Say what is stored of the last run. */
  | { type: 'count' };

export type FromFrame =
  | { type: 'role'; role: string }
  /** Is stored. */
  | { type: 'acknowledged'; text: string }
  /** All of them are. */
  | { type: 'written' }
  | { type: 'counted'; texts: string[] };
