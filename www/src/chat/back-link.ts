// The way back to the list, where that is a view of its own.

import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { hashOf } from '../route.ts';

export function backLink(): HTMLAnchorElement {
  return h(
    'a',
    {
      class: 'icon-button back',
      href: hashOf({ view: 'list' }),
      'aria-label': t('chat.back'),
      'data-testid': 'back',
    },
    icon('back'),
  );
}
