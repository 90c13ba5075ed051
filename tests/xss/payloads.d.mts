export declare const payloads: Record<
  'html' | 'svg' | 'links' | 'markdown' | 'code' | 'math' | 'names',
  string[]
>;
/** All of them. */
export declare const all: string[];
