// What is open and which part of the list is on show, kept in the address so that a reload keeps it and
// back leads to it. Knows no store and no view.

/** What can be wrong while the chats are open. */
export const PROBLEMS = ['full', 'evicted', 'outdated', 'corrupt'] as const;
export type ProblemKind = (typeof PROBLEMS)[number];

export type Route =
  | { view: 'list' }
  | { view: 'new' }
  | { view: 'trash' }
  | { view: 'problem'; kind: ProblemKind }
  // A message in it is to be shown, once: it does not stay in the address.
  | { view: 'chat'; id: number; message?: number };

/** How far back a search looks. */
export const PERIODS = ['day', 'week', 'month', 'year'] as const;
export type Period = (typeof PERIODS)[number];

/** Which chats the list shows, and what is looked for in it. */
export interface ListView {
  brain?: string;
  archived?: boolean;
  query?: string;
  period?: Period;
}

export function currentRoute(): Route {
  const [path = ''] = location.hash.split('?', 1);
  const [, view, id, message] = path.split('/');
  if (view === 'new' || view === 'trash') return { view };
  const kind = PROBLEMS.find((each) => each === id);
  if (view === 'problem' && kind) return { view, kind };
  if (view !== 'chat' || !isId(id)) return { view: 'list' };
  return { view, id: Number(id), ...(isId(message) && { message: Number(message) }) };
}

export function currentList(): ListView {
  return listIn(location.hash);
}

function isId(text: string | undefined): boolean {
  return /^[1-9]\d{0,15}$/.test(text ?? '');
}

/** The address of a route; the list stays as it is. */
export function hashOf(route: Route): string {
  switch (route.view) {
    case 'chat':
      return `#/chat/${route.id}${route.message === undefined ? '' : `/${route.message}`}`;
    case 'new':
    case 'trash':
      return `#/${route.view}`;
    case 'problem':
      return `#/problem/${route.kind}`;
    case 'list':
      return '#/';
  }
}

/** Opens a route; in place of the current one if that should not be gone back to. */
export function go(route: Route, how: 'push' | 'replace' = 'push'): void {
  const hash = hashOf(route) + suffixOf(currentList());
  if (how === 'push') location.hash = hash;
  else location.replace(hash);
}

/** What is open is from now on found by this address. Nothing is opened. */
export function settle(route: Route, list = currentList()): void {
  const hash = hashOf(route) + suffixOf(list);
  if (hash !== location.hash || history.state === null) history.replaceState({}, '', hash);
}

/** Tells where one goes, by links, by `go`, back and forth. */
export function onRoute(listener: (route: Route, list: ListView) => void): void {
  addEventListener('hashchange', ({ oldURL }) => {
    // A link says what is to be opened and leaves the list alone; an entry that was here before says both.
    const isNew = history.state === null && !location.hash.includes('?');
    settle(currentRoute(), isNew ? listIn(new URL(oldURL).hash) : currentList());
    listener(currentRoute(), currentList());
  });
}

function listIn(hash: string): ListView {
  const given = new URLSearchParams(hash.split('?')[1] ?? '');
  const brain = given.get('brain');
  const query = given.get('q');
  const period = PERIODS.find((each) => each === given.get('since'));
  return {
    ...(brain && { brain }),
    ...(given.has('archived') && { archived: true }),
    ...(query && { query }),
    ...(period && { period }),
  };
}

function suffixOf({ brain, archived, query, period }: ListView): string {
  const params = new URLSearchParams();
  if (brain !== undefined) params.set('brain', brain);
  if (archived) params.set('archived', '');
  if (query) params.set('q', query);
  if (query && period) params.set('since', period);
  const text = params.toString().replaceAll(/=(?=&|$)/g, '');
  return text && `?${text}`;
}
