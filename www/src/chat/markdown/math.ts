// TeX as MathML, by Temml. Loaded when a message first has a formula. No command that leads
// elsewhere or sets attributes is let through (`trust`), and macros end.

import temml from 'temml';

/** @throws if it is no TeX. */
export function drawMath(tex: string, display: boolean): DocumentFragment {
  const place = document.createElement('span');
  temml.render(tex, place, {
    displayMode: display,
    annotate: false,
    throwOnError: true,
    trust: false,
    maxExpand: 500,
    maxSize: [20, 20],
  });
  const drawn = document.createDocumentFragment();
  drawn.append(...place.childNodes);
  // Labels and references would name elements of the page, and lead away from the chat.
  for (const element of drawn.querySelectorAll('[id], [href]')) {
    element.removeAttribute('id');
    element.removeAttribute('href');
  }
  // What screen readers and copies have of it.
  drawn.querySelector('math')?.setAttribute('aria-label', tex);
  return drawn;
}
