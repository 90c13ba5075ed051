// HTML of messages, let through by DOMPurify or not at all: what would have to be taken out of it is
// better seen than guessed. Its Trusted Types policy is `dompurify`.

import DOMPurify from 'dompurify';

const TAGS =
  'a abbr b blockquote br code dd del details div dl dt em hr i ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td th thead tr u ul var'.split(
    ' ',
  );

/** The nodes of a piece of HTML; undefined if anything in it is not let through. */
export function harmless(source: string): DocumentFragment | undefined {
  const nodes = DOMPurify.sanitize(source, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ['href', 'title', 'open', 'colspan', 'rowspan', 'start'],
    ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:|tel:)/i,
    ALLOW_ARIA_ATTR: false,
    ALLOW_DATA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  // The body that it was parsed into is always among them.
  const removed = DOMPurify.removed.filter(
    (each) => !('element' in each && each.element.nodeName === 'BODY'),
  );
  if (removed.length > 0) return undefined;
  for (const link of nodes.querySelectorAll('a')) {
    link.target = '_blank';
    link.rel = 'noopener noreferrer nofollow';
  }
  return nodes;
}
