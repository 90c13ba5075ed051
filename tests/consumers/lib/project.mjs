/**
 * A consumer's project: its fixture in a directory of its own, its pinned packages installed, and
 * the tarball as one more. Knows nothing of what the consumer then does.
 */

import { cp, mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, serve } from './processes.mjs';

const consumers = fileURLToPath(new URL('..', import.meta.url));
const NPM = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

export class Project {
  /** Where it is. */
  directory;

  constructor(directory) {
    this.directory = directory;
  }

  /**
   * @param {string} fixture a directory beside this one, or an example by its path from here
   * @param {string} directory where the project is made
   * @param {string} tarball the package under test
   */
  static async make(fixture, directory, tarball) {
    await mkdir(directory);
    const isExample = fixture.startsWith('../');
    for (const source of isExample ? [fixture] : ['shared', fixture]) {
      await cp(join(consumers, source), directory, {
        recursive: true,
        filter: (path) => !/\/(node_modules|dist)$/.test(path),
      });
    }
    const project = new Project(directory);
    await project.run('npm', ['ci', ...NPM]);
    // The lockfile holds every other version.
    await project.run('npm', ['install', '--no-save', ...NPM, tarball]);
    return project;
  }

  /** Runs a program of the project, or of the system, to its end. */
  run(file, args, options) {
    return run(file, args, { cwd: this.directory, ...options, env: this.#env(options) });
  }

  /** Starts a server of the project while `use` runs with its address. */
  serve(file, args, options, use) {
    return serve(file, args, { cwd: this.directory, ...options, env: this.#env(options) }, use);
  }

  /** A path in the project. */
  path(...names) {
    return join(this.directory, ...names);
  }

  #env(options) {
    const bin = join(this.directory, 'node_modules/.bin');
    return { PATH: `${bin}${delimiter}${process.env.PATH}`, ...options?.env };
  }
}
