// How the page is served and bundled: the package by its built entry, and one strict
// Content-Security-Policy on whatever `vite preview` answers.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { type Connect, defineConfig, type Plugin } from 'vite';
import { VitePWA, type VitePWAOptions } from 'vite-plugin-pwa';
import en from './src/i18n/en/index.ts';
import ko from './src/i18n/ko/index.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// 'wasm-unsafe-eval' lets WebAssembly compile; nothing else here needs a loosened rule.
const policy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  // Models are asked at the addresses that the reader saves; any https host can be one.
  "connect-src 'self' https: http://localhost:* http://127.0.0.1:*",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  // DOMPurify's, the package's for the address of its worker, the page's for its service worker's.
  'trusted-types dompurify conversation-store chats',
  "require-trusted-types-for 'script'",
];

/** Only the tour's frames may be framed, and by this origin alone. */
function policyOf(url: string | undefined): string {
  const framed = /^\/tour-frame\.html\b/.test(url ?? '');
  return [...policy, `frame-ancestors ${framed ? "'self'" : "'none'"}`].join('; ');
}

/** Answers with brotli, as a server on the network does: what is tried here is what is fetched there. */
const compressed: Connect.NextHandleFunction = (request, response, next) => {
  const [path = ''] = (request.url ?? '').split(/[?#]/, 1);
  const type = TYPES[extname(path === '/' ? '/index.html' : path)];
  const file = here(`./dist${path === '/' ? '/index.html' : path}`);
  const takesBrotli = /\bbr\b/.test(request.headers['accept-encoding']?.toString() ?? '');
  if (!type || !takesBrotli || !file.startsWith(here('./dist/')) || !existsSync(file)) {
    next();
    return;
  }
  const { mtimeMs } = statSync(file);
  const known = kept.get(file);
  const body =
    known?.mtimeMs === mtimeMs
      ? known.body
      : brotliCompressSync(readFileSync(file), { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } });
  kept.set(file, { mtimeMs, body });
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Encoding', 'br');
  response.setHeader('Content-Length', body.length);
  // Names of assets have a hash of what is in them.
  const forever = path.startsWith('/assets/');
  response.setHeader('Cache-Control', forever ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.end(request.method === 'HEAD' ? undefined : body);
};
const kept = new Map<string, { mtimeMs: number; body: Buffer }>();
const TYPES: Partial<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

/** The address of the tour has no ending. */
const tour: Connect.NextHandleFunction = (request, _response, next) => {
  if (/^\/tour\/?(?=[?#]|$)/.test(request.url ?? '')) request.url = '/tour.html';
  next();
};

// `preview.headers` leaves out what is not a file (404s), so the header is set ahead of the server.
// The worker obeys the policy of its own response, which this covers as well.
const strictPolicy: Plugin = {
  name: 'strict-content-security-policy',
  configureServer(server) {
    server.middlewares.use(tour);
  },
  configurePreviewServer(server) {
    server.middlewares.use(tour);
    server.middlewares.use((request, response, next) => {
      response.setHeader('Content-Security-Policy', policyOf(request.url));
      next();
    });
    server.middlewares.use(compressed);
  },
};

/**
 * What the page's entry imports once it has begun to open the store is fetched beside it, not after it: one
 * step less on the way to the first list.
 */
const preloads: Plugin = {
  name: 'preload-the-page',
  transformIndexHtml: {
    order: 'post',
    handler(_html, { path, bundle = {} }) {
      if (path !== '/index.html') return [];
      const chunks = Object.values(bundle).filter((it) => it.type === 'chunk');
      const of = (path: string) => chunks.find((it) => it.facadeModuleId === here(path));
      const known = new Set(of('./index.html')?.imports);
      // The development server has none of them.
      const later = [of('./src/opening/begin.ts'), of('./src/start.ts')].flatMap((it) =>
        it ? [...it.imports, it.fileName] : [],
      );
      const files = new Set(later.filter((file) => !known.has(file)));
      return [...files].map((file) => ({
        tag: 'link',
        attrs: { rel: 'modulepreload', crossorigin: true, href: `/${file}` },
        injectTo: 'head',
      }));
    },
  },
};

/** The few texts that are shown before the page's code is there, `%en.area.name%`, are those of the catalogs. */
const texts: Plugin = {
  name: 'texts-of-the-catalogs',
  transformIndexHtml: {
    order: 'pre',
    handler: (html) =>
      html.replace(/%(en|ko)\.(\w+)\.(\w+)%/g, (_, language: 'en' | 'ko', area, name) => {
        const catalog: Record<string, Record<string, string>> = { en, ko }[language];
        const text = catalog[area]?.[name];
        if (text === undefined) throw new Error(`no catalog has ${language}.${area}.${name}`);
        return text;
      }),
  },
};

/** Installable, and there without a network after the first visit. */
const app: Partial<VitePWAOptions> = {
  // The page registers it itself, and asks before a newer one takes over.
  injectRegister: false,
  registerType: 'prompt',
  manifest: {
    id: './',
    name: 'Chats',
    short_name: 'Chats',
    description: 'All your chats in one private place, on this device.',
    start_url: './',
    display: 'standalone',
    background_color: '#fdfcfa',
    theme_color: '#0b6b5d',
    categories: ['productivity'],
    icons: [
      { src: 'icon-192.png', sizes: '192x192', type: 'image/png' },
      { src: 'icon-512.png', sizes: '512x512', type: 'image/png' },
      { src: 'icon-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
      { src: 'favicon.svg', sizes: 'any', type: 'image/svg+xml' },
    ],
  },
  workbox: {
    globPatterns: ['**/*.{html,js,css,wasm,svg,png}'],
    // The store's module is larger than what is kept by default.
    maximumFileSizeToCacheInBytes: 4_000_000,
    // A missing file is missing, and not the page.
    navigateFallback: null,
    cleanupOutdatedCaches: true,
    // `importScripts` takes no text where Trusted Types are required, and the worker obeys the policy too.
    inlineWorkboxRuntime: true,
    // No request but to this origin, and no log.
    sourcemap: false,
    mode: 'production',
  },
};

export default defineConfig({
  root: here('.'),
  // Without this a missing file would be answered with index.html, which hides the mistake.
  appType: 'mpa',
  resolve: {
    alias: [{ find: /^conversation-store$/, replacement: here('../dist/index.js') }],
  },
  build: {
    outDir: here('dist'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What is fetched when: tests/size/page.test.mjs reads it.
    manifest: true,
    rolldownOptions: {
      input: [here('./index.html'), here('./tour.html'), here('./tour-frame.html')],
      output: {
        codeSplitting: {
          groups: [
            // What runs before all else, and waits for nothing.
            {
              name: 'first',
              test: /preload-helper|src\/(?:i18n\/language|storage\/remembered)\.ts$/,
              priority: 3,
            },
            // The package by itself, so that it is kept when the page changes, and is counted apart.
            { name: 'store', test: here('../dist'), priority: 2 },
            // Few files come sooner than many.
            {
              name: 'common',
              test: /www\/src\/(?!i18n\/\w+\/|opening\/begin|brains\/|chat\/).*\.ts$/,
              minShareCount: 2,
            },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  server: { host: 'localhost', port: 5173, strictPort: false, fs: { allow: [here('..')] } },
  preview: { host: 'localhost', port: 5173, strictPort: false },
  plugins: [strictPolicy, texts, preloads, VitePWA(app)],
});
