// Files that are dropped on a chat go along with what is written there; exports of chats are imported
// by whoever listens on the page, unless they are dropped on the composer itself.

import type { Composer } from './composer.ts';

const EXPORT = /\.(?:json|jsonl|ndjson|zip|db|sqlite3?)$/i;

export function takeDrops(view: HTMLElement, composer: Composer): void {
  view.addEventListener('drop', (event) => {
    const files = [...(event.dataTransfer?.files ?? [])];
    const onComposer = event.target instanceof Node && composer.element.contains(event.target);
    if (files.length === 0) return;
    if (!onComposer && files.some(({ name }) => EXPORT.test(name))) return;
    // Whoever listens on the page sees by this that they are taken.
    event.preventDefault();
    composer.attach(files);
  });
}
