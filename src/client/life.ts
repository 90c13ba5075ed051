/**
 * The life of a page, as other tabs must know it: its name, the lock that says that it is alive, and
 * when it is seen, frozen or put into the back/forward cache. Knows no worker and no call.
 */

/** What follows from the page's life. */
export interface LifeEvents {
  /** It is about to be frozen: let go of what others wait for. Whether anything is left to do. */
  suspend(): boolean;
  /** It runs again. */
  resume(): void;
  /** It is seen, or no more. */
  seen(visible: boolean): void;
}

export class Life {
  readonly #database: string;
  /** In memory nobody else is concerned. */
  readonly #alone: boolean;
  readonly #listeners: [EventTarget | undefined, string, (event: Event) => void][];
  #tab: string | undefined;
  #granted: Promise<void> | undefined;
  #release = () => {};
  #released: Promise<unknown> | undefined;

  constructor(database: string, alone: boolean, events: LifeEvents) {
    const { document, window } = globalThis as Partial<typeof globalThis>;
    this.#database = database;
    this.#alone = alone;
    this.#listeners = [
      [document, 'visibilitychange', () => events.seen(this.visible)],
      [document, 'freeze', () => events.suspend()],
      [document, 'resume', () => events.resume()],
      [
        window,
        'pagehide',
        (event) => {
          // Some browsers keep no page that holds a lock. One with calls under way needs its name:
          // by it the store knows what was carried out.
          if ((event as PageTransitionEvent).persisted && !events.suspend()) this.#forget();
        },
      ],
      [
        window,
        'pageshow',
        (event) => {
          if ((event as PageTransitionEvent).persisted) events.resume();
        },
      ],
    ];
  }

  /** The tab's name, unique among tabs and lives; undefined where it is alone, or not begun. */
  get tab(): string | undefined {
    return this.#tab;
  }

  get visible(): boolean {
    return globalThis.document?.visibilityState !== 'hidden';
  }

  /** Resolves to the tab's name once its lock says that it is alive. */
  async begin(): Promise<string | undefined> {
    if (this.#alone) return undefined;
    if (this.#tab === undefined) {
      // An insecure context has no such ids, and no storage either, which the worker says.
      this.#tab = crypto.randomUUID?.() ?? 'insecure';
      this.#granted = this.#hold(`conversation-store-tab:${this.#tab}:${this.#database}`);
      for (const [target, type, listener] of this.#listeners) {
        target?.addEventListener(type, listener);
      }
    }
    await this.#granted;
    return this.#tab;
  }

  /** Resolves once the lock is given back. */
  async end(): Promise<void> {
    for (const [target, type, listener] of this.#listeners) {
      target?.removeEventListener(type, listener);
    }
    this.#forget();
    await this.#released;
  }

  #forget(): void {
    this.#release();
    this.#tab = undefined;
  }

  #hold(name: string): Promise<void> {
    const end = new Promise<void>((release) => {
      this.#release = release;
    });
    return new Promise((granted) => {
      // Without locks the worker says that there is no storage here.
      const held = globalThis.navigator?.locks?.request(name, () => {
        granted();
        return end;
      });
      this.#released = held?.catch(() => granted());
      if (!held) granted();
    });
  }
}
