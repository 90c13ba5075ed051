// Which addresses in messages can be followed. Knows no DOM.

import { decodeEntities } from './entities.ts';

/** An address that may be gone to: of the web, of a person, or of a chat on this page. */
export function addressOf(href: string): string | undefined {
  const decoded = decodeEntities(href).trim();
  if (/^#\/chat\/\d{1,16}(?:\/\d{1,16})?$/.test(decoded)) return decoded;
  if (!URL.canParse(decoded)) return undefined;
  const url = new URL(decoded);
  return ['http:', 'https:', 'mailto:', 'tel:'].includes(url.protocol) ? url.href : undefined;
}
