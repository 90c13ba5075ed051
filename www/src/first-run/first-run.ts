// What is shown where there are no chats yet: three doors, and smaller ones. Knows no store.

import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { type IconName, icon } from '../icons.ts';
import { hashOf } from '../route.ts';
import { languageButton } from '../sidebar/language.ts';
import type { View } from '../view.ts';
import './first-run.css';

export interface FirstRunActions {
  /** Lets the reader choose a file to import. */
  importFile: () => void;
  connect: () => void;
  addSamples: () => Promise<void>;
  restore: () => void;
}

export class FirstRun implements View {
  readonly element: HTMLElement;
  readonly heading = h('h2', { class: 'first-title', tabindex: -1 }, t('firstRun.title'));

  constructor(actions: FirstRunActions) {
    const samples = button('door-samples', t('firstRun.samplesButton'), () => {
      samples.disabled = true;
      void actions.addSamples().finally(() => {
        samples.disabled = false;
      });
    });
    this.element = h(
      'div',
      { class: 'view first-run', 'data-testid': 'first-run' },
      h(
        'div',
        { class: 'scroller' },
        h(
          'div',
          { class: 'first-column' },
          this.heading,
          h('p', { class: 'first-text' }, t('firstRun.text')),
          h(
            'div',
            { class: 'doors' },
            door(
              'import',
              t('firstRun.import'),
              t('firstRun.importText'),
              button('door-import', t('firstRun.choose'), actions.importFile, 'button-main'),
              howToGetIt(),
            ),
            door(
              'plug',
              t('firstRun.connect'),
              t('firstRun.connectText'),
              button('door-connect', t('firstRun.connectButton'), actions.connect),
            ),
            door('sparkle', t('firstRun.samples'), t('firstRun.samplesText'), samples),
          ),
          h(
            'p',
            { class: 'first-more' },
            h(
              'a',
              { class: 'button button-quiet', href: hashOf({ view: 'new' }) },
              t('firstRun.write'),
            ),
            h(
              'button',
              { type: 'button', class: 'button button-quiet', onclick: actions.restore },
              t('firstRun.restore'),
            ),
            h(
              'a',
              { class: 'button button-quiet', href: './tour.html', 'data-testid': 'to-tour' },
              t('firstRun.tour'),
            ),
            languageButton(),
          ),
        ),
      ),
    );
  }

  focus(): void {
    this.heading.focus();
  }
}

function door(name: IconName, title: string, text: string, ...children: Node[]): HTMLElement {
  return h(
    'section',
    { class: 'door' },
    h('span', { class: 'door-icon' }, icon(name)),
    h('h3', { class: 'door-title' }, title),
    h('p', { class: 'door-text' }, text),
    ...children,
  );
}

function button(id: string, label: string, onclick: () => void, kind = ''): HTMLButtonElement {
  return h(
    'button',
    { type: 'button', class: `button ${kind}`.trim(), 'data-testid': id, onclick },
    label,
  );
}

function howToGetIt(): HTMLElement {
  return h(
    'details',
    { class: 'technical' },
    h('summary', {}, t('firstRun.how')),
    h('p', {}, t('firstRun.chatgpt')),
    h('p', {}, t('firstRun.claude')),
    h('p', {}, t('firstRun.asIs')),
  );
}
