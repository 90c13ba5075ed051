// One method: what it is for, its arguments to be edited, the code, what came of it and how long it took.

import type { ConversationStore, Watch } from 'conversation-store';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { detailOf } from '../words.ts';
import { copyButton } from './copy.ts';
import { codeOf, given, type Method, shown } from './methods.ts';

export class MethodForm {
  readonly element: HTMLElement;
  readonly #args: HTMLTextAreaElement;
  readonly #code = h('code', {});
  readonly #run = h(
    'button',
    { type: 'submit', class: 'button button-main' },
    icon('play'),
    t('tour.run'),
  );
  readonly #outcome = h('p', { class: 'tour-outcome', role: 'status' });
  readonly #result = h('pre', {
    class: 'tour-result',
    tabindex: 0,
    hidden: true,
    'aria-label': t('tour.result'),
  });
  #stop: (() => void) | undefined;

  constructor(
    private readonly method: Method,
    private readonly store: () => ConversationStore,
  ) {
    const { name, about, args } = method;
    const id = `args-${name}`;
    this.#args = h('textarea', {
      class: 'field tour-args',
      id,
      spellcheck: 'false',
      autocapitalize: 'off',
      'data-testid': id,
    });
    this.#args.value = args
      .map((value) => JSON.stringify(value, null, 1).replace(/\n\s*/g, ' '))
      .join(',\n');
    this.#args.rows = Math.max(1, args.length);
    this.#args.addEventListener('input', () => this.#renderCode());
    const form = h(
      'form',
      { class: 'tour-method', 'aria-label': name, 'data-testid': `method-${name}` },
      h('h4', { class: 'tour-name', id: name }, h('a', { href: `#${name}` }, name)),
      h('p', { class: 'tour-about' }, t(about)),
      args.length > 0 && h('label', { class: 'tour-label', for: id }, t('tour.arguments')),
      args.length > 0 && this.#args,
      h(
        'div',
        { class: 'tour-code' },
        h('pre', { tabindex: 0, 'aria-label': t('tour.code') }, this.#code),
        copyButton(() => this.#code.textContent ?? ''),
      ),
      h('div', { class: 'tour-actions' }, this.#run, this.#outcome),
      this.#result,
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#onRun();
    });
    this.#args.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    this.element = form;
    this.#renderCode();
  }

  #read(): unknown[] {
    return JSON.parse(`[${this.#args.value}]`) as unknown[];
  }

  #renderCode(): void {
    try {
      this.#code.textContent = codeOf(this.method, this.#read());
      this.#args.setCustomValidity('');
    } catch (error) {
      this.#args.setCustomValidity(t('tour.noJson', { why: String(error) }));
    }
  }

  async #onRun(): Promise<void> {
    if (this.#stop) {
      this.#stop();
      return;
    }
    const { name, run, isWatch } = this.method;
    const args = given(this.#read());
    this.#run.disabled = true;
    const began = performance.now();
    try {
      const store = this.store();
      const call = (store as unknown as Record<string, (...args: unknown[]) => unknown>)[name];
      if (!call) throw new TypeError(`this build has no ${name}`);
      if (isWatch) this.#follow(call.apply(store, args) as Watch<unknown>);
      else {
        const result = await (run ? run(store, args) : call.apply(store, args));
        this.#say('good', t('tour.took', { time: milliseconds(began) }), shown(result));
      }
    } catch (error) {
      this.#say('bad', t('tour.rejected', { time: milliseconds(began) }), detailOf(error));
    }
    this.#run.disabled = false;
  }

  #follow(watch: Watch<unknown>): void {
    let count = 0;
    const unsubscribe = watch.subscribe((rows) => {
      if (watch.state === 'loading') return;
      count += 1;
      this.#say('good', t('tour.updates', { count }), shown(rows));
    });
    this.#run.replaceChildren(icon('stop'), t('tour.stop'));
    this.#stop = () => {
      unsubscribe();
      this.#stop = undefined;
      this.#run.replaceChildren(icon('play'), t('tour.run'));
    };
  }

  #say(kind: 'good' | 'bad', outcome: string, result: string): void {
    this.#outcome.dataset.kind = kind;
    this.#outcome.textContent = outcome;
    this.#result.hidden = false;
    this.#result.textContent = result;
  }
}

function milliseconds(began: number): string {
  return (performance.now() - began).toFixed(1);
}
