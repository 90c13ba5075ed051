// The endpoints that the reader has saved: where a model is, by what name, with which key. Kept in this
// browser and nowhere else; a key only until the tab is closed, unless the reader wants it kept.

/** How long a key is kept. */
export type KeyPlace = 'tab' | 'browser';

export interface Endpoint {
  /** How conversations name it as their brain. */
  name: string;
  /** Up to and without `/chat/completions`. */
  url: string;
  /** The model where a conversation names none. */
  model: string;
  keyPlace: KeyPlace;
  /** Whether it was saved with a key, which this tab may not have. */
  keyed?: boolean;
}

const LIST = 'chats:endpoints';
const KEYS = 'chats:keys';

export class Endpoints {
  readonly #listeners = new Set<() => void>();

  constructor() {
    // Saved in another tab.
    addEventListener('storage', ({ key }) => {
      if (key === LIST || key === KEYS || key === null) this.#tell();
    });
  }

  get all(): Endpoint[] {
    const stored = read<unknown>(localStorage, LIST);
    return Array.isArray(stored) ? stored.filter(isEndpoint) : [];
  }

  find(name: string): Endpoint | undefined {
    return this.all.find((endpoint) => endpoint.name === name);
  }

  /** The key of an endpoint; '' if there is none here. */
  keyOf(name: string): string {
    for (const place of [sessionStorage, localStorage]) {
      const key = read<Record<string, unknown>>(place, KEYS)?.[name];
      if (typeof key === 'string') return key;
    }
    return '';
  }

  /**
   * Saves an endpoint, in the place of the one of the name `before`.
   *
   * @throws what the browser says if it keeps nothing.
   */
  save(endpoint: Endpoint, key: string, before = endpoint.name): void {
    this.#forgetKey(before);
    const others = this.all.filter(({ name }) => name !== before && name !== endpoint.name);
    localStorage.setItem(LIST, JSON.stringify([...others, { ...endpoint, keyed: key !== '' }]));
    if (key !== '') {
      const place = endpoint.keyPlace === 'browser' ? localStorage : sessionStorage;
      const keys = read<Record<string, unknown>>(place, KEYS) ?? {};
      place.setItem(KEYS, JSON.stringify({ ...keys, [endpoint.name]: key }));
    }
    this.#tell();
  }

  remove(name: string): void {
    this.#forgetKey(name);
    localStorage.setItem(LIST, JSON.stringify(this.all.filter((each) => each.name !== name)));
    this.#tell();
  }

  /** Tells when the list has changed, until the function it returns is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #forgetKey(name: string): void {
    for (const place of [sessionStorage, localStorage]) {
      const keys = read<Record<string, unknown>>(place, KEYS);
      if (!keys || !Object.hasOwn(keys, name)) continue;
      delete keys[name];
      if (Object.keys(keys).length === 0) place.removeItem(KEYS);
      else place.setItem(KEYS, JSON.stringify(keys));
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** An address as one means it: with a protocol, without what is appended to it. */
export function tidyUrl(text: string): string | undefined {
  const trimmed = text.trim().replace(/\/(?:chat\/completions|models)?\/*$/, '');
  const local = /^(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/]|$)/.test(trimmed);
  const whole = /^[a-z]+:\/\//i.test(trimmed)
    ? trimmed
    : `${local ? 'http' : 'https'}://${trimmed}`;
  if (!URL.canParse(whole)) return undefined;
  const url = new URL(whole);
  if (!['http:', 'https:'].includes(url.protocol) || url.username || url.search || url.hash) {
    return undefined;
  }
  return url.href.replace(/\/+$/, '');
}

/** The host of an endpoint, as the reader is told it. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** On this device: what is sent there does not leave it. */
export function isLocal(url: string): boolean {
  return (
    URL.canParse(url) && /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(new URL(url).hostname)
  );
}

function isEndpoint(value: unknown): value is Endpoint {
  const { name, url, model, keyPlace } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    name !== '' &&
    typeof url === 'string' &&
    tidyUrl(url) !== undefined &&
    typeof model === 'string' &&
    (keyPlace === 'tab' || keyPlace === 'browser')
  );
}

function read<T>(place: Storage, key: string): T | undefined {
  try {
    return (JSON.parse(place.getItem(key) ?? 'null') as T | null) ?? undefined;
  } catch {
    // Unreadable: as if there were none.
    return undefined;
  }
}
