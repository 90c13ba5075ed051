// What is open, kept in the address so that a reload keeps it. Knows no store and no view.

export type Route =
  | { view: 'list' }
  | { view: 'new' }
  | { view: 'trash' }
  | { view: 'chat'; id: number };

export function currentRoute(): Route {
  const [, view, id] = location.hash.split('/');
  if (view === 'new' || view === 'trash') return { view };
  if (view === 'chat' && /^[1-9]\d{0,15}$/.test(id ?? '')) return { view: 'chat', id: Number(id) };
  return { view: 'list' };
}

export function hashOf(route: Route): string {
  switch (route.view) {
    case 'chat':
      return `#/chat/${route.id}`;
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

export function onRoute(listener: (route: Route) => void): void {
  addEventListener('hashchange', () => listener(currentRoute()));
}
