/**
 * `npm run audit`: what of others is used here, looked at: licences, sources and doubles of the crates by
 * cargo-deny (deny.toml), known vulnerabilities of crates by the RustSec database and of npm packages by the
 * registry's word.
 *
 * Vulnerabilities are known elsewhere: where that cannot be reached, this says what was not looked at, and
 * fails for it only with `--complete`, which is for a release.
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, run, say } from './run.mjs';
import { cargoDeny, npmPackages } from './tools.mjs';

/** Looks at everything; returns what was looked at and what could not be. */
export async function audit() {
  await npmPackages();
  const program = await cargoDeny();
  const checked = [];
  const missed = [];
  const deny = (manifest, ...checks) => [
    '--locked',
    '--manifest-path',
    join(root, manifest),
    '--config',
    join(root, 'deny.toml'),
    'check',
    ...checks,
  ];
  for (const manifest of ['Cargo.toml', 'fuzz/Cargo.toml']) {
    say(`Licences, bans and sources of ${manifest}`);
    await run(program, deny(manifest, 'licenses', 'bans', 'sources'));
    checked.push(`licences, bans and sources of ${manifest}`);
  }
  say('Known vulnerabilities of crates');
  const advisories = spawnSync(program, deny('Cargo.toml', 'advisories'), {
    cwd: root,
    encoding: 'utf8',
  });
  if (/advisories (ok|FAILED)/.test(advisories.stdout + advisories.stderr)) {
    process.stdout.write(advisories.stderr);
    if (advisories.status !== 0) throw new Error('crates with known vulnerabilities');
    checked.push('vulnerabilities of crates');
  } else {
    missed.push('vulnerabilities of crates: the RustSec database cannot be reached');
  }
  say('Known vulnerabilities of npm packages');
  for (const folder of ['.', 'bench', 'examples/ai-sdk']) {
    const { stdout } = spawnSync('npm', ['audit', '--json', '--audit-level=moderate'], {
      cwd: join(root, folder),
      encoding: 'utf8',
    });
    const told = JSON.parse(stdout || '{}').metadata?.vulnerabilities;
    if (!told) {
      missed.push(`vulnerabilities of npm packages of ${folder}: the registry does not tell`);
      continue;
    }
    if (told.moderate + told.high + told.critical > 0) {
      throw new Error(
        `npm packages of ${folder} with known vulnerabilities: ${JSON.stringify(told)}`,
      );
    }
    checked.push(`vulnerabilities of npm packages of ${folder}`);
  }
  for (const what of missed) console.log(`not looked at: ${what}`);
  return { checked, missed };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { missed } = await audit();
  if (missed.length > 0 && process.argv.includes('--complete')) {
    throw new Error('the audit is not complete');
  }
}
