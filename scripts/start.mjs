/**
 * `npm start`: sets up, builds the package and the chat page, and serves the page on localhost.
 */

import { join } from 'node:path';
import { build } from './build.mjs';
import { root, run, say } from './run.mjs';
import { buildTools } from './tools.mjs';

await build(await buildTools());
say('Building the chat page');
const vite = join(root, 'node_modules/vite/bin/vite.js');
const config = ['--config', join(root, 'www/vite.config.ts')];
await run(process.execPath, [vite, 'build', ...config]);
say('Serving the chat page; Ctrl+C ends it');
const preview = [vite, 'preview', ...config, '--port', process.env.PORT ?? '5173'];
try {
  await run(process.execPath, preview);
} catch (error) {
  // Being told to stop is how serving ends.
  if (!/ended with (SIGINT|SIGTERM|130|143)$/.test(error.message)) throw error;
}
