// A button that opens a menu of what can be done: arrow keys, Home, End, a letter; Escape and Tab close
// it, and the focus goes back to the button. Knows nothing of what is done.

import { h } from './dom.ts';
import { type IconName, icon } from './icons.ts';

export interface MenuItem {
  label: string;
  icon: IconName;
  run: () => void;
  danger?: boolean;
  lang?: string;
  /** It is so already. */
  current?: boolean;
}

/** @param items What it offers, asked for with each opening. */
export function menuButton(
  label: string,
  items: () => MenuItem[],
  attributes: Record<string, string> = {},
  name: IconName = 'more',
): HTMLButtonElement {
  const button = h(
    'button',
    {
      type: 'button',
      class: 'icon-button',
      'aria-label': label,
      'aria-haspopup': 'menu',
      'aria-expanded': 'false',
      ...attributes,
      onclick: () => open(button, items()),
    },
    icon(name),
  );
  return button;
}

function open(button: HTMLButtonElement, items: MenuItem[]): void {
  const close = (focus: boolean) => {
    menu.remove();
    button.setAttribute('aria-expanded', 'false');
    if (focus) button.focus();
  };
  const entries = items.map(({ label, icon: name, run, danger, lang, current }) =>
    h(
      'button',
      {
        type: 'button',
        class: danger ? 'menu-item menu-danger' : 'menu-item',
        role: 'menuitem',
        tabindex: -1,
        lang,
        'aria-current': current && 'true',
        onclick: () => {
          close(true);
          run();
        },
      },
      icon(name),
      label,
    ),
  );
  const menu = h(
    'div',
    {
      class: 'menu',
      role: 'menu',
      popover: 'auto',
      'aria-label': button.getAttribute('aria-label') ?? undefined,
      'data-testid': 'menu',
    },
    ...entries,
  );
  menu.addEventListener('keydown', (event) => {
    event.stopPropagation();
    const at = entries.indexOf(document.activeElement as HTMLButtonElement);
    const count = entries.length;
    const to: Partial<Record<string, number>> = {
      ArrowDown: (at + 1) % count,
      ArrowUp: (at - 1 + count) % count,
      Home: 0,
      End: count - 1,
    };
    const letter = entries.findIndex((entry) =>
      entry.textContent?.toLowerCase().startsWith(event.key.toLowerCase()),
    );
    const target = to[event.key] ?? (letter === -1 ? undefined : letter);
    if (event.key === 'Escape' || event.key === 'Tab') close(true);
    else if (target !== undefined) entries[target]?.focus();
    // Enter and the space bar press the entry, as everywhere.
    else return;
    event.preventDefault();
  });
  // Pressed elsewhere: the focus is there.
  menu.addEventListener('toggle', (event) => {
    if ((event as ToggleEvent).newState === 'closed' && menu.isConnected) close(false);
  });
  // Where it belongs in the order of the page; it is above everything wherever it is.
  button.after(menu);
  menu.showPopover();
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = menu;
  const roomBelow = bottom + offsetHeight + 8 <= innerHeight;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - offsetWidth - 8, right))}px`;
  menu.style.top = `${roomBelow ? bottom + 4 : Math.max(8, top - offsetHeight - 4)}px`;
  button.setAttribute('aria-expanded', 'true');
  entries[0]?.focus();
}
