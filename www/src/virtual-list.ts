// A long list of which only what is near the view is in the page: between it stand spacers as high as
// what is left out. What is in sight stays where it is when rows come above it or turn out higher
// than was thought. Knows nothing of what the rows are.

import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from '@tanstack/virtual-core';
import { arrange, h } from './dom.ts';

/** The rows, as they are at the moment. */
export interface VirtualRows {
  readonly count: number;
  key(index: number): string | number;
  /** The place of a row that is still there. */
  indexOf(key: string | number): number | undefined;
  /** What stands for a row, in the order of the page; without margins, which nobody measures. */
  elements(index: number): readonly HTMLElement[];
  /** Pixels that a row is likely high. */
  estimate(index: number): number;
  /** Rows that stay in the page wherever the view is: one with the focus, for example. */
  kept(): readonly number[];
  /** What is in the page has changed, or its height. */
  placed?(): void;
}

/** So many are all in the page: the browser's own search then finds what is in them. */
const FEW = 120;

export class VirtualList {
  readonly #virtualizer: Virtualizer<HTMLElement, HTMLElement>;
  readonly #sizes: ResizeObserver;
  readonly #stop: () => void;
  readonly #spacers: HTMLElement[] = [];
  // The row of each element that is in the page.
  #keyOf = new Map<Element, string | number>();
  #placing = false;

  constructor(
    private readonly scroller: HTMLElement,
    private readonly list: HTMLElement,
    private readonly rows: VirtualRows,
  ) {
    this.#virtualizer = new Virtualizer<HTMLElement, HTMLElement>(this.#options());
    // It is done here, where it is known what was moved.
    this.#virtualizer.shouldAdjustScrollPositionOnItemSizeChange = () => false;
    this.#stop = this.#virtualizer._didMount();
    this.#virtualizer._willUpdate();
    this.#sizes = new ResizeObserver(() => this.#onResize());
  }

  /** Shows the rows as they now are. What is in sight and stays does not move. */
  render(): void {
    this.#virtualizer.setOptions(this.#options());
    this.#virtualizer._willUpdate();
    this.#place();
  }

  /** Brings a row into the page, so that it can be focused or scrolled to. */
  reach(index: number): readonly HTMLElement[] {
    this.#place([index]);
    return this.rows.elements(index);
  }

  dispose(): void {
    this.#sizes.disconnect();
    this.#stop();
  }

  #options() {
    const { rows, scroller, list } = this;
    return {
      count: rows.count,
      getScrollElement: () => scroller,
      estimateSize: (index: number) => rows.estimate(index),
      getItemKey: (index: number) => rows.key(index),
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      overscan: 8,
      scrollMargin: rows.count > FEW ? list.offsetTop : 0,
      onChange: () => this.#place(),
    };
  }

  #place(more: readonly number[] = []): void {
    if (this.#placing) return;
    this.#placing = true;
    const inSight = this.#inSight();
    const shown = this.#choose(inSight, more);
    const elements = shown.map((index) => this.rows.elements(index));
    const staying = new Set(elements.flat());
    const anchor = inSight.find((element) => staying.has(element));
    const before = anchor?.getBoundingClientRect().top ?? 0;
    arrange(this.list, this.#withSpacers(shown, elements));
    this.#observe(shown, elements);
    this.#measure(shown, elements);
    // What was measured just now says better how high the rest is.
    this.#withSpacers(shown, elements);
    const moved = anchor?.isConnected ? anchor.getBoundingClientRect().top - before : 0;
    if (moved !== 0) this.scroller.scrollTop += moved;
    this.#placing = false;
    this.rows.placed?.();
  }

  /** The rows to be in the page, ascending. */
  #choose(inSight: readonly Element[], more: readonly number[]): number[] {
    const { rows } = this;
    const { count } = rows;
    if (count <= FEW) return Array.from({ length: count }, (_, index) => index);
    const stay = inSight.map((element) => rows.indexOf(this.#keyOf.get(element) ?? ''));
    const chosen = new Set([...this.#virtualizer.getVirtualIndexes(), ...rows.kept(), ...more]);
    for (const index of stay) if (index !== undefined) chosen.add(index);
    return [...chosen].filter((index) => index >= 0 && index < count).sort((a, b) => a - b);
  }

  #inSight(): HTMLElement[] {
    // To ask where things are has them laid out.
    if (this.#keyOf.size === 0) return [];
    const view = this.scroller.getBoundingClientRect();
    const seen: HTMLElement[] = [];
    for (const child of this.list.children as HTMLCollectionOf<HTMLElement>) {
      if (!this.#keyOf.has(child)) continue;
      const { top, bottom } = child.getBoundingClientRect();
      if (top >= view.bottom) break;
      if (bottom > view.top) seen.push(child);
    }
    return seen;
  }

  #withSpacers(shown: readonly number[], elements: readonly (readonly HTMLElement[])[]) {
    // Brings the places of all rows up to date.
    this.#virtualizer.getVirtualItems();
    const { measurementsCache } = this.#virtualizer;
    const { count } = this.rows;
    const start = (index: number) => measurementsCache[index]?.start ?? 0;
    const total = measurementsCache[count - 1]?.end ?? 0;
    let used = 0;
    const spacer = (height: number) => {
      const element = this.#spacers[used] ?? h('li', { class: 'spacer', 'aria-hidden': 'true' });
      this.#spacers[used] = element;
      used += 1;
      element.style.height = `${height}px`;
      return element;
    };
    let next = 0;
    const children = shown.flatMap((index, at) => {
      const own = elements[at] ?? [];
      const gap = index > next ? [spacer(start(index) - start(next))] : [];
      next = index + 1;
      return [...gap, ...own];
    });
    if (next < count) children.push(spacer(total - start(next)));
    return children;
  }

  #measure(shown: readonly number[], elements: readonly (readonly HTMLElement[])[]): void {
    const { measurementsCache } = this.#virtualizer;
    const sizes = elements.map(heightOf);
    for (const [at, index] of shown.entries()) {
      const size = sizes[at] ?? 0;
      if (size !== measurementsCache[index]?.size) this.#virtualizer.resizeItem(index, size);
    }
  }

  #observe(shown: readonly number[], elements: readonly (readonly HTMLElement[])[]): void {
    const before = this.#keyOf;
    this.#keyOf = new Map();
    for (const [at, index] of shown.entries()) {
      const key = this.rows.key(index);
      for (const element of elements[at] ?? []) {
        this.#keyOf.set(element, key);
        if (!before.has(element)) this.#sizes.observe(element);
      }
    }
    for (const element of before.keys()) {
      if (!this.#keyOf.has(element)) this.#sizes.unobserve(element);
    }
  }

  /** Rows have grown by themselves: what is below one that is out of sight above stays in its place. */
  #onResize(): void {
    const { top } = this.scroller.getBoundingClientRect();
    const { measurementsCache } = this.#virtualizer;
    const grown = new Map<number, HTMLElement[]>();
    for (const [element, key] of this.#keyOf) {
      const index = this.rows.indexOf(key);
      if (index === undefined) continue;
      grown.set(index, [...(grown.get(index) ?? []), element as HTMLElement]);
    }
    let above = 0;
    this.#placing = true;
    for (const [index, elements] of grown) {
      const size = heightOf(elements);
      const known = measurementsCache[index]?.size ?? size;
      if (Math.abs(size - known) < 0.5) continue;
      const { bottom = 0 } = elements.at(-1)?.getBoundingClientRect() ?? {};
      if (bottom <= top) above += size - known;
      this.#virtualizer.resizeItem(index, size);
    }
    this.#placing = false;
    if (above !== 0) this.scroller.scrollTop += above;
    this.rows.placed?.();
  }
}

function heightOf(elements: readonly HTMLElement[]): number {
  return elements.reduce((sum, element) => sum + element.getBoundingClientRect().height, 0);
}
