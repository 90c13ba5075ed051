/**
 * `npm run faults`: the store on a device that fails at each of its calls, one after another, or loses its
 * power after it, and without memory; prints a table of each. `--device 10` and `--memory 10` take one in ten
 * of the points, `all` all of them. `npm test` takes some of each kind.
 */

import { parseArgs } from 'node:util';
import { run, say } from './run.mjs';

const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'all' },
    // There are twenty times as many of these, and all of them take hours.
    memory: { type: 'string', default: '41' },
  },
});
const tests = { failing_device: values.device, out_of_memory: values.memory };

const how = ['--profile', 'exhaustive', '--features', 'planted-bugs'];
const shown = ['--', '--nocapture', '--test-threads', '1'];
for (const [test, share] of Object.entries(tests)) {
  say(`tests/${test}.rs: ${share === 'all' ? 'all points' : `one point in ${share}`}`);
  await run('cargo', ['test', '--locked', ...how, '--test', test, ...shown], {
    env: { FAULTS: share },
  });
}
