// HTML in a message: shown as what it says where it is harmless, else as it was written. What is
// harmless DOMPurify decides, which is loaded when a message first has any.

import { h } from '../../dom.ts';

export function htmlBlock(source: string): HTMLElement {
  const element = h('div', { class: 'md-html', dir: 'auto' }, source);
  if (isWhole(source) && !REFUSED.test(source)) void clean(element, source);
  return element;
}

// Nothing with any of it is let through. Looked for first because parsing it, though nothing of it runs,
// is reported to the console under a strict policy.
const REFUSED =
  /<(?:script|style|iframe|object|embed|svg|math|link|meta|base|form|template|noscript|noembed|xmp|image|img|body)\b|[\s/"'](?:on\w+|style)\s*=/i;

/** One element that is opened and closed: parts of one would be mended into something else. */
function isWhole(source: string): boolean {
  const [, name] = /^<([a-z][a-z0-9]*)[\s>]/i.exec(source) ?? [];
  return name !== undefined && source.toLowerCase().endsWith(`</${name.toLowerCase()}>`);
}

async function clean(element: HTMLElement, source: string): Promise<void> {
  try {
    const { harmless } = await import('./purify.ts');
    const nodes = harmless(source);
    if (!nodes) return;
    element.replaceChildren(nodes);
    element.dataset.clean = '';
  } catch {
    // Not loaded: it stays as it was written.
  }
}
