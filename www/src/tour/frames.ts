// Two tabs of one database, side by side in frames: what one writes the other shows, and when the one
// that serves is removed amid its writes, nothing that was acknowledged is lost. Opens no store itself:
// it would be a third tab, and might be the one that serves.

import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import type { FromFrame, ToFrame } from './frame-messages.ts';

/** Messages that each frame writes, one after another. */
const EACH = 60;
/** So many are acknowledged when the leader is removed. */
const BEFORE = 20;

interface Tab {
  name: string;
  frame: HTMLIFrameElement;
  role: string;
  ready: boolean;
}

export class Frames {
  readonly element: HTMLElement;
  readonly #place = h('div', { class: 'frames' });
  readonly #outcome = h('p', {
    class: 'tour-outcome',
    role: 'status',
    'data-testid': 'frames-outcome',
  });
  readonly #remove = h(
    'button',
    { type: 'button', class: 'button button-main', disabled: true, 'data-testid': 'remove-leader' },
    t('tour.remove'),
  );
  readonly #again = h(
    'button',
    { type: 'button', class: 'button', 'data-testid': 'frames-again' },
    t('tour.again'),
  );
  #tabs: Tab[] = [];
  // What was acknowledged since the last start, by whichever frame.
  #acknowledged = new Set<string>();
  #removing = false;
  #began = 0;

  constructor() {
    this.#remove.addEventListener('click', () => this.#start());
    this.#again.addEventListener('click', () => this.#restart());
    addEventListener('message', ({ data, source, origin }) => {
      if (origin !== location.origin) return;
      const tab = this.#tabs.find(({ frame }) => frame.contentWindow === source);
      if (tab) this.#hear(tab, data as FromFrame);
    });
    this.element = h(
      'div',
      {},
      this.#place,
      h('div', { class: 'tour-actions' }, this.#remove, this.#again, this.#outcome),
    );
    // Each is a tab with a worker: not before somebody looks at them.
    const watcher = new IntersectionObserver(([entry]) => {
      if (!entry?.isIntersecting) return;
      watcher.disconnect();
      this.#restart();
    });
    watcher.observe(this.#place);
  }

  #restart(): void {
    for (const { frame } of this.#tabs) frame.remove();
    this.#removing = false;
    this.#remove.disabled = true;
    this.#outcome.textContent = '';
    this.#tabs = ['A', 'B'].map((name) => ({
      name,
      frame: h('iframe', {
        class: 'frame',
        src: `./tour-frame.html#${name}`,
        title: t('tour.tab', { name }),
        'data-testid': `frame-${name}`,
      }),
      role: '',
      ready: false,
    }));
    this.#place.replaceChildren(...this.#tabs.map(({ frame }) => frame));
  }

  #hear(tab: Tab, message: FromFrame): void {
    if (message.type === 'role') {
      tab.role = message.role;
      tab.ready = true;
      this.#remove.disabled = this.#removing || !this.#tabs.every(({ ready }) => ready);
    } else if (message.type === 'acknowledged') {
      this.#acknowledged.add(message.text);
      if (this.#removing && this.#acknowledged.size === BEFORE) this.#removeLeader();
    } else if (message.type === 'written') {
      this.#tell(tab, { type: 'count' });
    } else {
      this.#conclude(message.texts);
    }
  }

  #start(): void {
    this.#acknowledged = new Set();
    this.#removing = true;
    this.#began = Date.now();
    this.#remove.disabled = true;
    this.#outcome.textContent = t('tour.writing');
    for (const tab of this.#tabs)
      this.#tell(tab, { type: 'write', run: `${this.#began}`, count: EACH });
  }

  #removeLeader(): void {
    const leader = this.#tabs.find(({ role }) => role === 'leader') ?? this.#tabs[0];
    this.#tabs = this.#tabs.filter((tab) => tab !== leader);
    leader?.frame.remove();
  }

  #conclude(texts: string[]): void {
    const stored = new Set(texts);
    const lost = [...this.#acknowledged].filter((text) => !stored.has(text)).length;
    const twice = texts.length - stored.size;
    const acknowledged = this.#acknowledged.size;
    this.#outcome.dataset.kind = lost + twice === 0 ? 'good' : 'bad';
    this.#outcome.textContent = t('tour.verdict', { acknowledged, lost, twice });
  }

  #tell({ frame }: Tab, message: ToFrame): void {
    frame.contentWindow?.postMessage(message, location.origin);
  }
}
