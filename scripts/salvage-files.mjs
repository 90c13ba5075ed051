/**
 * `npm run salvage-files`: what is salvaged of 1,000 files that were damaged by chance, row by row beside what
 * `sqlite3 .recover` gets of them. `-- --files 200` takes so many; `npm test` takes a hundred.
 */

import { parseArgs } from 'node:util';
import { run, say } from './run.mjs';
import { testTools } from './tools.mjs';

const { values } = parseArgs({ options: { files: { type: 'string', default: '1000' } } });

const env = await testTools();
say(`tests/salvage.rs: ${values.files} damaged files`);
await run('cargo', ['test', '--release', '--locked', '--test', 'salvage', '--', '--nocapture'], {
  env: { ...env, FILES: values.files },
});
