// The part of the storage panel that looks for damage, and says what to do about it.

import type { ConversationStore } from 'conversation-store';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { hashOf } from '../route.ts';
import { because } from '../words.ts';

export class CheckSection {
  readonly element: HTMLElement;
  readonly #button = h(
    'button',
    { type: 'button', class: 'button', 'data-testid': 'check' },
    t('storage.checkNow'),
  );
  readonly #outcome = h('p', { class: 'outcome', role: 'status', 'data-testid': 'check-outcome' });

  /** @param leave Closes what this is part of, for a page to be seen. */
  constructor(
    private readonly store: ConversationStore,
    private readonly leave: () => void,
  ) {
    this.#button.addEventListener('click', () => void this.#check());
    this.element = h(
      'section',
      {},
      h('h3', { class: 'dialog-subtitle' }, t('storage.check')),
      h('p', { class: 'dialog-text' }, t('storage.checkText')),
      h('div', { class: 'dialog-actions dialog-actions-start' }, this.#button),
      this.#outcome,
    );
  }

  clear(): void {
    this.#outcome.replaceChildren();
  }

  async #check(): Promise<void> {
    this.#button.disabled = true;
    this.#say('note', t('storage.checking'));
    try {
      const { ok, problems } = await this.store.integrityCheck();
      const { repairs } = await this.store.heal();
      const healed = repairs.reduce((sum, { count }) => sum + count, 0);
      if (!ok) {
        this.#say('bad', t('storage.unsound', { count: problems.length }));
        this.#outcome.title = problems.slice(0, 20).join('\n');
        this.#outcome.append(
          ' ',
          h(
            'a',
            { href: hashOf({ view: 'problem', kind: 'corrupt' }), onclick: () => this.leave() },
            t('storage.problemPage'),
          ),
        );
      } else {
        const words = healed > 0 ? ` ${t('storage.healed', { count: healed })}` : '';
        this.#say('good', t('storage.sound') + words);
      }
    } catch (error) {
      this.#say('bad', because(error));
    }
    this.#button.disabled = false;
  }

  #say(kind: 'good' | 'bad' | 'note', text: string): void {
    this.#outcome.dataset.kind = kind;
    this.#outcome.textContent = text;
  }
}
