// How the page is served and bundled: the package by its built entry, and one strict
// Content-Security-Policy on whatever `vite preview` answers.

import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

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
  "frame-ancestors 'none'",
  // DOMPurify's, and the package's for the address of its worker.
  'trusted-types dompurify conversation-store',
].join('; ');

// `preview.headers` leaves out what is not a file (404s), so the header is set ahead of the server.
// The worker obeys the policy of its own response, which this covers as well.
const strictPolicy: Plugin = {
  name: 'strict-content-security-policy',
  configurePreviewServer(server) {
    server.middlewares.use((_request, response, next) => {
      response.setHeader('Content-Security-Policy', policy);
      next();
    });
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
  },
  worker: { format: 'es' },
  server: { host: 'localhost', port: 5173, strictPort: false, fs: { allow: [here('..')] } },
  preview: { host: 'localhost', port: 5173, strictPort: false },
  plugins: [strictPolicy],
});
