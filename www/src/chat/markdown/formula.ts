// A formula: its TeX until what draws it is loaded, then MathML, which needs no fonts of its own.

import { h } from '../../dom.ts';

export function formula(tex: string, display: boolean): HTMLElement {
  const element = h('span', { class: display ? 'math math-display' : 'math', dir: 'ltr' }, tex);
  if (display) element.tabIndex = 0;
  void draw(element, tex, display);
  return element;
}

async function draw(element: HTMLElement, tex: string, display: boolean): Promise<void> {
  try {
    const { drawMath } = await import('./math.ts');
    element.replaceChildren(drawMath(tex, display));
    element.dataset.drawn = '';
  } catch {
    // Not loaded, or no TeX: it stays as it was written.
  }
}
