/**
 * The consumers: how each installs, builds and serves. What a page then has to do is the same for
 * all (shared/, lib/browser.mjs). The first word of a name is its fixture.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkExample } from './ai-sdk.mjs';
import { freePort, run } from './lib/processes.mjs';
import { serveFiles } from './lib/static-server.mjs';
import { checkContents } from './lib/tarball.mjs';

/**
 * @typedef {object} Tools
 * @property {(fixture: string) => Promise<import('./lib/project.mjs').Project>} project
 * @property {import('./lib/browser.mjs').Browser} browser
 * @property {string} tarball
 * @property {string} root
 * @property {(name: string) => Promise<string>} scratch
 */

const REQUIRED = "require-trusted-types-for 'script'";

/**
 * A strict policy for a page whose import map, which can only be inline, is named by its hash. The header goes
 * with the workers' scripts too: a worker obeys its own.
 */
async function policyOf(directory, ...more) {
  const page = await readFile(join(directory, 'index.html'), 'utf8');
  const map = /<script type="importmap">([\s\S]*?)<\/script>/.exec(page)[1];
  const hash = createHash('sha256').update(map).digest('base64');
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'wasm-unsafe-eval' 'sha256-${hash}'`,
    "worker-src 'self'",
    "connect-src 'self'",
    'img-src data:',
    ...more,
  ];
  return { 'content-security-policy': policy.join('; ') };
}

/** Runs `use` with another file in the place of an app's entry. */
async function withMain(app, file, use) {
  const main = app.path('main.js');
  const before = await readFile(main);
  await cp(app.path(file), main);
  try {
    await use();
  } finally {
    await writeFile(main, before);
  }
}

/** The policy of a built app, whose scripts are all files: with the policies that its page lists. */
const builtPolicy = (names) => ({
  'content-security-policy': [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    'img-src data:',
    REQUIRED,
    `trusted-types ${names}`,
  ].join('; '),
});

/** @type {{ name: string, check: (tools: Tools) => Promise<void> }[]} */
export const consumers = [
  {
    name: 'tarball',
    async check({ tarball, root, scratch }) {
      await checkContents(tarball, root, await scratch('tarball'));
    },
  },
  {
    name: 'publint',
    async check({ tarball, root }) {
      await run('npx', ['--no', 'publint', 'run', tarball, '--strict'], { cwd: root });
    },
  },
  {
    name: 'attw',
    async check({ tarball, root }) {
      // The package is ESM only; a wasm file has no types to be wrong.
      const modules = ['store', 'formats', 'salvage'].map((it) => `./conversation_${it}_bg.wasm`);
      const wasm = ['--exclude-entrypoints', ...modules];
      const plain = ['--profile', 'esm-only', '--no-definitely-typed', '--no-emoji'];
      await run('npx', ['--no', 'attw', tarball, ...plain, ...wasm], { cwd: root });
    },
  },
  {
    name: 'types own',
    // TypeScript as many apps have it today.
    check: ({ project }) => checkTypes(project, 'tsc'),
  },
  {
    name: 'types ours',
    // TypeScript as the package is compiled with.
    check: ({ project, root }) => checkTypes(project, join(root, 'node_modules/.bin/tsc')),
  },
  {
    name: 'sdk-types own',
    check: ({ project }) => checkSdkTypes(project, 'tsc'),
  },
  {
    name: 'sdk-types ours',
    check: ({ project, root }) => checkSdkTypes(project, join(root, 'node_modules/.bin/tsc')),
  },
  {
    name: 'node',
    async check({ project }) {
      const node = await project('node');
      // The deadline is the test that it ends by itself.
      await node.run(process.execPath, ['import.mjs'], { seconds: 20 });
      await node.run(process.execPath, ['memory.mjs'], { seconds: 20 });
    },
  },
  {
    name: 'import-map',
    async check({ project, browser }) {
      const { directory } = await project('import-map');
      await serveFiles(directory, {}, (url) => browser.check(url));
    },
  },
  {
    name: 'import-map csp',
    async check({ project, browser }) {
      const { directory } = await project('import-map');
      const headers = await policyOf(directory);
      await serveFiles(directory, headers, (url) => browser.check(url));
    },
  },
  {
    name: 'import-map trusted-types',
    async check({ project, browser }) {
      const { directory } = await project('import-map');
      // The package's policy is on the page's list; the workers are held to the same.
      const headers = await policyOf(directory, REQUIRED, 'trusted-types conversation-store');
      await serveFiles(directory, headers, (url) => browser.check(url));
    },
  },
  {
    name: 'import-map trusted-types own',
    async check({ project, browser }) {
      const app = await project('import-map');
      // A policy of the app's, by which it makes the workers itself.
      const headers = await policyOf(app.directory, REQUIRED, 'trusted-types app');
      await withMain(app, 'trusted.js', () =>
        serveFiles(app.directory, headers, (url) => browser.check(url)),
      );
    },
  },
  {
    name: 'import-map trusted-types unlisted',
    async check({ project, browser }) {
      const { directory } = await project('import-map');
      const headers = await policyOf(directory, REQUIRED, 'trusted-types app');
      await serveFiles(directory, headers, (url) =>
        browser.visit(url, async (page, errors) => {
          const error = await browser.error(page);
          assert.match(error, /storage-unavailable/);
          assert.match(error, /trusted-types conversation-store/, 'it says what to list');
          errors.take(/TrustedScriptURL|TrustedTypePolicy|Trusted/);
        }),
      );
    },
  },
  {
    name: 'esbuild',
    async check({ project, browser }) {
      const esbuild = await project('esbuild');
      // The client looks for worker.js, and for wasm/ with the module, beside its own bundle.
      await bundle(esbuild, [
        ...['main.js', 'worker=conversation-store/worker'],
        'formats-worker=conversation-store/formats-worker',
        ...['--bundle', '--splitting', '--format=esm', '--minify', '--outdir=dist'],
      ]);
      await mkdir(esbuild.path('dist/wasm'));
      for (const module of ['conversation_store_bg.wasm', 'conversation_formats_bg.wasm']) {
        await cp(
          esbuild.path(`node_modules/conversation-store/dist/wasm/${module}`),
          esbuild.path(`dist/wasm/${module}`),
        );
      }
      await cp(esbuild.path('index.html'), esbuild.path('dist/index.html'));
      await serveFiles(esbuild.path('dist'), {}, (url) => browser.check(url));
    },
  },
  {
    name: 'esbuild options',
    async check({ project, browser }) {
      const esbuild = await project('esbuild');
      // Names of one's own: options.js tells `open` what they are.
      await bundle(esbuild, [
        ...['main=options.js', 'store-worker=conversation-store/worker'],
        'formats-worker=conversation-store/formats-worker',
        ...['--bundle', '--splitting', '--format=esm', '--minify', '--loader:.wasm=file'],
        ...['--outdir=dist-options'],
      ]);
      await cp(esbuild.path('index.html'), esbuild.path('dist-options/index.html'));
      await serveFiles(esbuild.path('dist-options'), {}, (url) => browser.check(url));
    },
  },
  {
    name: 'esbuild unused',
    async check({ project }) {
      // `sideEffects`: what is imported and not used goes, except the worker, whose import is use.
      const esbuild = await project('esbuild');
      const size = async (entry) => {
        const { stdout } = await bundle(esbuild, [entry, '--bundle', '--format=esm', '--minify']);
        return stdout.trim().length;
      };
      assert.equal(await size('unused.js'), 0, 'an unused import stays in the bundle');
      assert.ok((await size('unused-worker.js')) > 1000, 'the worker is dropped from the bundle');
    },
  },
  {
    name: 'vite build',
    check: ({ project, browser }) => checkViteBuild(project, browser, 'vite'),
  },
  {
    name: 'vite dev',
    check: ({ project, browser }) => checkViteDev(project, browser, 'vite'),
  },
  {
    name: 'vite7 build',
    check: ({ project, browser }) => checkViteBuild(project, browser, 'vite7'),
  },
  {
    name: 'vite7 dev',
    check: ({ project, browser }) => checkViteDev(project, browser, 'vite7'),
  },
  {
    name: 'own-worker build',
    check: ({ project, browser }) =>
      checkViteBuild(project, browser, 'own-worker', { imports: false }),
  },
  {
    name: 'own-worker dev',
    check: ({ project, browser }) =>
      checkViteDev(project, browser, 'own-worker', { imports: false }),
  },
  {
    name: 'webpack',
    async check({ project, browser }) {
      const webpack = await project('webpack');
      await webpack.run('webpack', ['--fail-on-warnings']);
      await cp(webpack.path('index.html'), webpack.path('dist/index.html'));
      await serveFiles(webpack.path('dist'), {}, (url) => browser.check(url));
    },
  },
  {
    name: 'vite trusted-types',
    async check({ project, browser }) {
      const vite = await project('vite');
      await vite.run('vite', ['build', '--logLevel', 'warn']);
      const headers = builtPolicy('conversation-store');
      await serveFiles(vite.path('dist'), headers, (url) => browser.check(url));
    },
  },
  {
    name: 'webpack trusted-types',
    async check({ project, browser }) {
      const webpack = await project('webpack');
      // It loads its pieces by script elements, which are sinks too, and has a policy for that.
      await webpack.run('webpack', [
        ...['--fail-on-warnings', '--output-path', webpack.path('dist-trusted')],
        ...['--output-trusted-types-policy-name', 'webpack'],
      ]);
      await cp(webpack.path('index.html'), webpack.path('dist-trusted/index.html'));
      const headers = builtPolicy('webpack conversation-store');
      await serveFiles(webpack.path('dist-trusted'), headers, (url) => browser.check(url));
    },
  },
  {
    name: 'next dev',
    async check({ project, browser }) {
      const next = await project('next');
      const use = (url) => browser.check(url);
      await next.serve('next', ['dev', ...NEXT.address], { env: NEXT.env, ready: /Ready in/ }, use);
    },
  },
  {
    name: 'next build',
    async check({ project, browser }) {
      const next = await project('next');
      const { stdout, stderr } = await next.run('next', ['build'], { env: NEXT.env });
      assert.doesNotMatch(stdout + stderr, /warn/i, 'the build warns');
      await next.serve(
        'next',
        ['start', ...NEXT.address],
        { env: NEXT.env, ready: /Ready in/ },
        async (url) => {
          const html = await (await fetch(url)).text();
          assert.match(html, /Rendered on the server/, 'the component was not rendered');
          await browser.check(url);
        },
      );
    },
  },
  {
    name: 'ai-sdk',
    check: checkExample,
  },
];

const NEXT = {
  address: ['--hostname', '127.0.0.1', '--port', '0'],
  env: { NEXT_TELEMETRY_DISABLED: '1' },
};

async function checkViteBuild(project, browser, fixture, expected) {
  const vite = await project(fixture);
  const { stdout, stderr } = await vite.run('vite', ['build', '--logLevel', 'warn']);
  assert.equal(stdout + stderr, '', 'the build warns');
  await checkVite(vite, browser, ['preview'], expected);
}

async function checkViteDev(project, browser, fixture, expected) {
  await checkVite(await project(fixture), browser, [], expected);
}

async function checkVite(vite, browser, command, expected) {
  const args = ['--host', '127.0.0.1', '--port', await freePort(), '--strictPort'];
  await vite.serve('vite', [...command, ...args], {}, (url) => browser.check(url, expected));
}

async function bundle(esbuild, args) {
  const result = await esbuild.run('esbuild', [...args, '--log-level=warning']);
  assert.equal(result.stderr, '', 'the build warns');
  return result;
}

async function checkTypes(project, tsc) {
  const types = await project('types');
  for (const resolution of ['bundler', 'node16', 'nodenext']) {
    await types.run(tsc, ['--project', `tsconfig.${resolution}.json`]);
  }
}

async function checkSdkTypes(project, tsc) {
  const types = await project('sdk-types');
  // `exactOptionalPropertyTypes` off and on.
  for (const config of ['tsconfig.json', 'tsconfig.exact.json']) {
    await types.run(tsc, ['--project', config]);
  }
}
