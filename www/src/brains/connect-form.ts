// Connects a model: where it is, its key and how long that is kept, and whether it answers. Nothing is
// asked of an address before it is saved.

import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { BrainError } from './brain.ts';
import { BUILT_IN } from './brains.ts';
import { type Endpoint, type Endpoints, hostOf, isLocal, tidyUrl } from './endpoints.ts';
import { explain } from './explain.ts';
import { OpenAiBrain } from './openai.ts';
import { PRESETS, type Preset, presetOf } from './presets.ts';
import './connect.css';
import '../outcome.css';

export interface ConnectFormActions {
  /** It is saved, under this name; whether it answers is then tried. */
  saved: (name: string) => void;
}

/** So many models are offered to choose from; more can be written. */
const OFFERED = 500;

let forms = 0;

export class ConnectForm {
  readonly element: HTMLFormElement;
  readonly #presets: HTMLInputElement[];
  readonly #name: HTMLInputElement;
  readonly #url: HTMLInputElement;
  readonly #key: HTMLInputElement;
  readonly #keep: HTMLInputElement;
  readonly #model: HTMLInputElement;
  readonly #models: HTMLDataListElement;
  readonly #outcome = h('div', {
    class: 'outcome connect-outcome',
    role: 'status',
    'data-testid': 'connect-outcome',
  });
  readonly #submit = h(
    'button',
    { type: 'submit', class: 'button button-main', 'data-testid': 'connect-save' },
    t('brains.saveAndTest'),
  );
  #test: AbortController | undefined;
  /** The name under which it is saved already. */
  #before: string | undefined;

  constructor(
    private readonly endpoints: Endpoints,
    private readonly actions: ConnectFormActions,
    endpoint?: Endpoint,
  ) {
    forms += 1;
    const id = (name: string) => `connect-${forms}-${name}`;
    const field = (name: string, attributes: Record<string, string | boolean>) =>
      h('input', {
        class: 'field',
        id: id(name),
        type: 'text',
        autocomplete: 'off',
        autocapitalize: 'off',
        spellcheck: 'false',
        dir: 'auto',
        'data-testid': `connect-${name}`,
        ...attributes,
      });
    this.#name = field('name', { maxlength: '100', required: true });
    this.#url = field('url', { type: 'text', inputmode: 'url', required: true, maxlength: '1000' });
    this.#key = field('key', { type: 'password', maxlength: '1000' });
    this.#models = h('datalist', { id: id('models') });
    this.#model = field('model', { list: id('models'), maxlength: '200' });
    this.#keep = h('input', { type: 'checkbox', id: id('keep'), 'data-testid': 'connect-keep' });
    this.#presets = PRESETS.map((preset) =>
      h('input', {
        type: 'radio',
        class: 'unseen',
        name: id('preset'),
        value: preset.id,
        onchange: () => this.#choose(preset),
      }),
    );
    const row = (input: HTMLInputElement, label: string, note?: string) =>
      h(
        'div',
        { class: 'connect-field' },
        h('label', { for: input.id }, label),
        input,
        note !== undefined && h('p', { class: 'connect-note' }, note),
      );
    this.element = h(
      'form',
      { class: 'connect', 'aria-label': t('brains.connect'), novalidate: true },
      h(
        'fieldset',
        { class: 'connect-presets', 'data-testid': 'connect-presets' },
        h('legend', { class: 'unseen' }, t('brains.where')),
        ...PRESETS.map((preset, at) =>
          h(
            'label',
            { class: 'choice' },
            this.#presets[at],
            h('span', {}, preset.label || t('brains.otherEndpoint')),
          ),
        ),
      ),
      row(this.#url, t('brains.url'), t('brains.urlNote')),
      row(this.#key, t('brains.key'), t('brains.keyNote')),
      h(
        'label',
        { class: 'connect-check', for: this.#keep.id },
        this.#keep,
        h('span', {}, t('brains.keepKey')),
      ),
      row(this.#model, t('brains.model'), t('brains.modelNote')),
      row(this.#name, t('brains.name'), t('brains.nameNote')),
      this.#models,
      this.#outcome,
      h('div', { class: 'dialog-actions' }, this.#submit),
    );
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#save();
    });
    if (endpoint) this.#fill(endpoint);
    else if (PRESETS[0]) this.#choose(PRESETS[0]);
    this.#mark();
  }

  /** Stops a test that is under way. */
  dispose(): void {
    this.#test?.abort();
  }

  focus(): void {
    (this.#presets.find(({ checked }) => checked) ?? this.#url).focus();
  }

  #fill({ name, url, model, keyPlace }: Endpoint): void {
    this.#before = name;
    this.#name.value = name;
    this.#url.value = url;
    this.#model.value = model;
    this.#keep.checked = keyPlace === 'browser';
    this.#key.value = this.endpoints.keyOf(name);
  }

  #choose(preset: Preset): void {
    this.#url.value = preset.url;
    this.#model.value = preset.model;
    this.#key.required = preset.needsKey;
    if (this.#before === undefined) this.#name.value = this.#free(preset.name);
    this.#models.replaceChildren();
    this.#outcome.replaceChildren();
    this.#mark();
  }

  #mark(): void {
    const known = presetOf(this.#url.value);
    for (const radio of this.#presets) radio.checked = radio.value === known;
  }

  /** A name that none has yet. */
  #free(name: string): string {
    if (name === '') return '';
    let free = name;
    for (let at = 2; this.endpoints.find(free); at += 1) free = `${name}-${at}`;
    return free;
  }

  async #save(): Promise<void> {
    const url = tidyUrl(this.#url.value);
    const name = this.#name.value.trim() || (url === undefined ? '' : hostOf(url));
    const wrong =
      url === undefined
        ? ([this.#url, t('brains.badUrl')] as const)
        : BUILT_IN.includes(name) || (name !== this.#before && this.endpoints.find(name))
          ? ([this.#name, t('brains.nameTaken', { name })] as const)
          : undefined;
    if (url === undefined || wrong) {
      const [input, words] = wrong ?? [this.#url, ''];
      this.#say('bad', words);
      input.focus();
      return;
    }
    this.#url.value = url;
    this.#name.value = name;
    const endpoint: Endpoint = {
      name,
      url,
      model: this.#model.value.trim(),
      keyPlace: this.#keep.checked ? 'browser' : 'tab',
    };
    try {
      this.endpoints.save(endpoint, this.#key.value.trim(), this.#before);
    } catch (error) {
      this.#say('bad', t('brains.notSaved', { why: String(error) }));
      return;
    }
    this.#before = name;
    this.actions.saved(name);
    await this.#try(endpoint);
  }

  async #try(endpoint: Endpoint): Promise<void> {
    this.#test?.abort();
    const test = new AbortController();
    this.#test = test;
    this.#say('', t('brains.testing', { host: hostOf(endpoint.url) }));
    const key = this.endpoints.keyOf(endpoint.name);
    const brain = new OpenAiBrain(endpoint, key, async () => undefined);
    try {
      const models = await brain.models(test.signal);
      if (test.signal.aborted) return;
      this.#models.replaceChildren(
        ...models.slice(0, OFFERED).map((value) => h('option', { value })),
      );
      if (endpoint.model === '' && models[0] !== undefined) {
        // One has to be named; a server at home often has one.
        this.#model.value = models[0];
        const key = this.endpoints.keyOf(endpoint.name);
        this.endpoints.save({ ...endpoint, model: models[0] }, key);
      }
      const known = endpoint.model === '' || models.includes(endpoint.model);
      this.#say(
        known ? 'good' : 'bad',
        t('brains.works', { host: hostOf(endpoint.url), count: models.length }),
        ...(known ? [] : [t('brains.noSuchModel', { model: endpoint.model })]),
        isLocal(endpoint.url)
          ? t('brains.goesNowhere')
          : t('brains.goesTo', { host: hostOf(endpoint.url) }),
      );
    } catch (error) {
      if (test.signal.aborted) return;
      const failure = error instanceof BrainError ? error.failure : undefined;
      this.#say(
        'bad',
        t('brains.savedButFailed', { why: error instanceof Error ? error.message : String(error) }),
        ...(failure ? explain(failure) : []),
      );
    }
  }

  #say(kind: 'good' | 'bad' | '', ...lines: string[]): void {
    this.#outcome.dataset.kind = kind;
    this.#outcome.replaceChildren(...lines.map((line) => h('p', { dir: 'auto' }, line)));
  }
}
