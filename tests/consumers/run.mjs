/**
 * Proves that the packed package works where it will be used.
 *
 *     node tests/consumers/run.mjs [--tarball FILE] [name…]
 *
 * Packs the package (dist/ must be built), installs the tarball in a project for each consumer of
 * consumers.mjs, builds and runs it. A name picks the consumers of that fixture or that full name.
 * One line each; fails if one fails or none ran. Needs Node 20 and Chromium; all serving is on
 * loopback.
 */

import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { consumers } from './consumers.mjs';
import { Browser } from './lib/browser.mjs';
import { Project } from './lib/project.mjs';
import { pack } from './lib/tarball.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

const { values, positionals } = parseArgs({
  options: { tarball: { type: 'string' } },
  allowPositionals: true,
});

/** Makes each fixture's project once, for the first consumer that asks. */
function projects(directory, tarball) {
  const made = new Map();
  return (fixture) => {
    let project = made.get(fixture);
    if (!project) {
      project = Project.make(fixture, join(directory, basename(fixture)), tarball);
      made.set(fixture, project);
    }
    return project;
  };
}

async function main() {
  const isMeant = (consumer, name) =>
    consumer.name === name || consumer.name.split(' ')[0] === name;
  for (const name of positionals) {
    if (!consumers.some((consumer) => isMeant(consumer, name))) {
      throw new Error(`no consumer is called ${name}: ${consumers.map((c) => c.name).join(', ')}`);
    }
  }
  const chosen = consumers.filter(
    (consumer) => positionals.length === 0 || positionals.some((name) => isMeant(consumer, name)),
  );

  const directory = await mkdtemp(join(tmpdir(), 'conversation-store-consumers-'));
  // Here, so that it goes when the run is interrupted too.
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  const browser = new Browser(directory);
  const began = performance.now();
  let passed = 0;
  let failed = 0;
  try {
    const tarball = values.tarball ? resolve(values.tarball) : await pack(root, directory);
    const project = projects(directory, tarball);
    /** An empty directory. */
    const scratch = async (name) => {
      const path = join(directory, name);
      await mkdir(path);
      return path;
    };
    for (const { name, check } of chosen) {
      const start = performance.now();
      let failure;
      try {
        await check({ project, browser, tarball, root, scratch });
        passed += 1;
      } catch (error) {
        failure = error;
        failed += 1;
      }
      console.log(`${failure ? 'FAIL' : 'ok  '} ${name.padEnd(20)} ${seconds(start)}`);
      if (failure) console.log(indent(failure.message ?? String(failure)));
    }
  } finally {
    await browser.close();
  }
  console.log(`${passed} passed, ${failed} failed (${seconds(began).trim()})`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1).padStart(6)} s`;
}

function indent(text) {
  return text.replace(/^/gm, '     ');
}

await main();
