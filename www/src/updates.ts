// The page as an app: a service worker keeps it for when there is no network. A newer version is said to be
// there and used when the reader says so; it never takes the place of one that is being used.

/** The types of the DOM do not know it yet. */
interface Policies {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

export interface UpdateEvents {
  /** A newer version waits; `use` reloads the page with it. */
  ready: (use: () => void) => void;
  /** Another tab has gone over to it: this one still runs the older. */
  replaced: () => void;
}

/** To be called once the page has what it needs: what is kept for later must not be in its way. */
export async function keepForOffline({ ready, replaced }: UpdateEvents): Promise<void> {
  // The development server has none.
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const { Workbox } = await import('workbox-window');
  const worker = new Workbox(trusted('/sw.js'));
  let using = false;
  worker.addEventListener('waiting', () => {
    ready(() => {
      using = true;
      worker.messageSkipWaiting();
    });
  });
  worker.addEventListener('controlling', ({ isUpdate, isExternal }) => {
    if (using) location.reload();
    else if (isUpdate || isExternal) replaced();
  });
  await worker.register();
}

/** Where scripts have to be vouched for (`require-trusted-types-for`), this one is. */
function trusted(url: string): string {
  const { trustedTypes } = window as { trustedTypes?: Policies };
  const policy = trustedTypes?.createPolicy('chats', {
    createScriptURL: (asked) => {
      if (asked !== url) throw new TypeError(`not a script of this page: ${asked}`);
      return asked;
    },
  });
  return policy?.createScriptURL(url) ?? url;
}
