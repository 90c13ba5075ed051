// A button that copies a text, and says so.

import { announce } from '../announce.ts';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';

export function copyButton(text: () => string): HTMLButtonElement {
  const button = h(
    'button',
    { type: 'button', class: 'icon-button small', 'aria-label': t('tour.copy') },
    icon('copy'),
  );
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text());
    button.dataset.copied = '';
    announce(t('tour.copied'));
    button.addEventListener('blur', () => delete button.dataset.copied, { once: true });
  });
  return button;
}
