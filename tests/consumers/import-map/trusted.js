/**
 * An app whose page requires Trusted Types and that makes the package's workers by a policy of its own.
 */

import { show } from './app.js';

const policy = trustedTypes.createPolicy('app', {
  createScriptURL(url) {
    if (!url.startsWith(`${location.origin}/node_modules/conversation-store/`)) {
      throw new TypeError(`${url} is no script of this app`);
    }
    return url;
  },
});
const worker = (name) => () => {
  const url = new URL(`./node_modules/conversation-store/dist/${name}.js`, import.meta.url);
  return new Worker(policy.createScriptURL(url.href), { type: 'module' });
};

show({ worker: worker('worker'), formatsWorker: worker('formats-worker') });
