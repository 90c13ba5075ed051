// The button below a long text that shows the rest of it, a few pieces in each frame, so that the page
// stays usable meanwhile.

import { h } from '../../dom.ts';
import { t } from '../../i18n/index.ts';
import { blocksFrom } from '../../text.ts';
import { size } from '../../words.ts';

/** Puts the button at the end of `place`, where the text is shown up to `end`. */
export function clipped(place: HTMLElement, text: string, end: number): HTMLElement {
  const bytes = new Blob([text]).size;
  const button = h(
    'button',
    { type: 'button', class: 'button message-more', 'data-testid': 'show-all' },
    t('chat.showWhole', { size: size(bytes) }),
  );
  button.addEventListener('click', () => {
    place.tabIndex = -1;
    place.focus({ preventScroll: true });
    button.remove();
    showRest(place, blocksFrom(text, end));
  });
  place.append(button);
  return button;
}

function showRest(place: HTMLElement, blocks: Generator<string>): void {
  for (let count = 0; count < 4; count += 1) {
    const { done, value } = blocks.next();
    if (done) return;
    place.append(h('div', { class: 'message-block', dir: 'auto' }, value));
  }
  // To its end also while it is out of the page: a list puts in only what is near the view.
  requestAnimationFrame(() => showRest(place, blocks));
}
