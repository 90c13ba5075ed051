// A picture in a message. Nothing is fetched from elsewhere: what is not in the text itself is a link.

import { h } from '../../dom.ts';
import { addressOf } from './address.ts';

const INSIDE = /^data:image\/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/]+=*$/;

export function picture(href: string, words: string): Node {
  if (INSIDE.test(href)) return h('img', { src: href, alt: words, class: 'md-picture' });
  const address = addressOf(href);
  if (address === undefined) return new Text(words || href);
  return h(
    'a',
    { href: address, target: '_blank', rel: 'noopener noreferrer nofollow', class: 'md-outside' },
    words || address,
  );
}
