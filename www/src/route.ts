// What is open, kept in the address so that a reload keeps it. Knows no store and no view.

export type Route =
  | { view: 'list' }
  | { view: 'new' }
  | { view: 'trash' }
  // A message in it is to be shown, once: it does not stay in the address.
  | { view: 'chat'; id: number; message?: number };

export function currentRoute(): Route {
  const [, view, id, message] = location.hash.split('/');
  if (view === 'new' || view === 'trash') return { view };
  if (view !== 'chat' || !isId(id)) return { view: 'list' };
  return { view, id: Number(id), ...(isId(message) && { message: Number(message) }) };
}

function isId(text: string | undefined): boolean {
  return /^[1-9]\d{0,15}$/.test(text ?? '');
}

export function hashOf(route: Route): string {
  switch (route.view) {
    case 'chat':
      return `#/chat/${route.id}${route.message === undefined ? '' : `/${route.message}`}`;
    case 'new':
    case 'trash':
      return `#/${route.view}`;
    case 'list':
      return '#/';
  }
}

/** Opens a route; in place of the current one if that should not be gone back to. */
export function go(route: Route, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') location.hash = hashOf(route);
  else location.replace(hashOf(route));
}

/** What is open is from now on found by this address. Nothing is opened. */
export function settle(route: Route): void {
  history.replaceState(history.state, '', hashOf(route));
}

export function onRoute(listener: (route: Route) => void): void {
  addEventListener('hashchange', () => listener(currentRoute()));
}
