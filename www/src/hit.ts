// One hit of a search: a link to its message, with what was found in it marked. Text is people's
// text: it becomes text nodes and nothing else. Knows no store.

import type { SearchHit } from 'conversation-store';
import { h } from './dom.ts';
import { t } from './i18n/index.ts';
import { hashOf } from './route.ts';
import { languageOf, shorten } from './text.ts';
import { ago, inFull } from './times.ts';
import { roleName, titleOf } from './words.ts';

export class Hit {
  readonly element: HTMLLIElement;
  readonly link = h('a', { class: 'row-link' });
  #shown = '';

  constructor(hit: SearchHit) {
    this.element = h('li', { class: 'row', 'data-testid': 'hit' }, this.link);
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
        count > 1 && h('span', { 'data-testid': 'hit-count' }, t('search.hits', { count })),
      ),
    );
  }

  setCurrent(current: boolean): void {
    if (current) this.link.setAttribute('aria-current', 'page');
    else this.link.removeAttribute('aria-current');
  }
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
