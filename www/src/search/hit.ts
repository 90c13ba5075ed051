// What was found in one chat: a link to the best message, with what was found in it marked, and on demand
// links to the others. Text is people's
// text: it becomes text nodes and nothing else. Knows no store.

import type { SearchHit } from 'conversation-store';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { hashOf } from '../route.ts';
import { languageOf, shorten } from '../text.ts';
import { ago, inFull } from '../times.ts';
import { roleName, titleOf } from '../words.ts';

export class Hit {
  readonly element: HTMLLIElement;
  readonly link = h('a', { class: 'row-link' });
  readonly #others = h('ul', { class: 'hit-others', 'data-testid': 'hit-others', hidden: true });
  readonly #more = h('button', {
    type: 'button',
    class: 'button small button-quiet hit-more',
    'aria-expanded': 'false',
    'data-testid': 'hit-count',
    onclick: () => void this.#toggle(),
  });
  #shown = '';

  /** @param all All hits of the chat. */
  constructor(
    hit: SearchHit,
    private readonly all: () => Promise<SearchHit[]>,
  ) {
    this.element = h(
      'li',
      { class: 'row hit', 'data-testid': 'hit' },
      this.link,
      this.#more,
      this.#others,
    );
    this.update(hit);
  }

  update(hit: SearchHit): void {
    const { kind, message, conversation, snippet, ranges, count = 1 } = hit;
    const { id, brain, updatedAt } = conversation;
    const time = message?.createdAt ?? updatedAt;
    const shown = JSON.stringify([conversation.title, brain, message?.id, snippet, ranges, count]);
    const when = h('time', { class: 'row-time', datetime: time, title: inFull(time) }, ago(time));
    // What is read with a screen reader is not read again for nothing.
    if (shown === this.#shown) {
      this.link.querySelector('time')?.replaceWith(when);
      return;
    }
    this.#shown = shown;
    this.link.href = hashOf({ view: 'chat', id, ...(message && { message: message.id }) });
    this.#others.hidden = true;
    this.#more.hidden = count < 2;
    this.#more.setAttribute('aria-expanded', 'false');
    this.#more.textContent = t('search.hits', { count });
    const title = titleOf(conversation);
    const found = marked(snippet, ranges);
    this.link.replaceChildren(
      h(
        'span',
        { class: 'row-title', dir: 'auto', lang: languageOf(title), 'data-testid': 'hit-title' },
        ...(kind === 'title' ? found : [shorten(title, 200)]),
      ),
      ...(message
        ? [
            h(
              'span',
              { class: 'hit-text', dir: 'auto', lang: languageOf(snippet) },
              h('span', { class: 'hit-role' }, `${roleName(message.role)}: `),
              h('span', { 'data-testid': 'snippet' }, ...found),
            ),
          ]
        : []),
      h(
        'span',
        { class: 'row-meta' },
        h('span', { class: 'badge', dir: 'auto' }, shorten(brain, 60)),
        when,
      ),
    );
  }

  async #toggle(): Promise<void> {
    if (this.#others.hidden) {
      const hits = await this.all();
      this.#others.replaceChildren(...hits.flatMap((hit) => (hit.message ? [lineOf(hit)] : [])));
    }
    this.#others.hidden = !this.#others.hidden;
    this.#more.setAttribute('aria-expanded', String(!this.#others.hidden));
  }

  setCurrent(current: boolean): void {
    if (current) this.link.setAttribute('aria-current', 'page');
    else this.link.removeAttribute('aria-current');
  }
}

function lineOf({ message, conversation, snippet, ranges }: SearchHit): HTMLElement {
  const { id } = conversation;
  return h(
    'li',
    {},
    h(
      'a',
      {
        class: 'hit-line',
        href: hashOf({ view: 'chat', id, ...(message && { message: message.id }) }),
        dir: 'auto',
        lang: languageOf(snippet),
      },
      message && h('span', { class: 'hit-role' }, `${roleName(message.role)}: `),
      ...marked(snippet, ranges),
    ),
  );
}

function marked(text: string, ranges: SearchHit['ranges']): (Node | string)[] {
  let at = 0;
  const nodes = ranges.flatMap(([start, end]) => {
    const before = text.slice(at, start);
    at = end;
    return [before, h('mark', {}, text.slice(start, end))];
  });
  return [...nodes, text.slice(at)];
}
