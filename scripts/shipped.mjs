/**
 * What is in the package that others wrote: the crates whose code is compiled into the two modules, the
 * SQLite within one of them, and Rust's own library. npm packages are none: tests hold that too.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { output, root } from './run.mjs';

const TARGET = 'wasm32-unknown-unknown';
const MODULES = ['conversation-store', 'conversation-formats'];

/**
 * The crates, by name: { name, version, license, repository, folder, checksum }. Those that only run while
 * building (macros, build scripts) leave none of their code behind.
 */
export function shippedCrates() {
  const text = output('cargo', [
    'metadata',
    '--format-version',
    '1',
    '--locked',
    '--filter-platform',
    TARGET,
  ]);
  if (!text) throw new Error('cargo metadata failed: is Cargo.lock as Cargo.toml wants it?');
  const { packages, resolve } = JSON.parse(text);
  const byId = new Map(packages.map((it) => [it.id, it]));
  const nodes = new Map(resolve.nodes.map((it) => [it.id, it]));
  const isMacro = (it) => it.targets.some((target) => target.kind.includes('proc-macro'));
  const found = new Map();
  const visit = (id) => {
    const crate = byId.get(id);
    if (found.has(id) || isMacro(crate)) return;
    found.set(id, crate);
    for (const { pkg, dep_kinds } of nodes.get(id).deps) {
      // `kind` is null for what is linked, 'build' or 'dev' for the rest.
      if (dep_kinds.some(({ kind }) => kind === null)) visit(pkg);
    }
  };
  for (const it of packages) if (MODULES.includes(it.name)) visit(it.id);
  const lock = readFileSync(join(root, 'Cargo.lock'), 'utf8');
  return [...found.values()]
    .filter((it) => it.source !== null)
    .map((it) => ({
      name: it.name,
      version: it.version,
      license: it.license,
      repository: it.repository,
      folder: dirname(it.manifest_path),
      checksum: new RegExp(
        `name = "${it.name}"\nversion = "${it.version.replaceAll('+', '\\+')}"\n.*\nchecksum = "(\\w+)"`,
      ).exec(lock)?.[1],
    }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

/** The texts of the licences that a crate is taken under: MIT where it is a choice, and what it adds to it. */
export function licenceTexts({ name, license, folder }) {
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|unlicense)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim());
  const chosen = texts.filter((text) => isMit(text) || /^UNICODE LICENSE/.test(text));
  if (chosen.length > 0) return [...new Set(chosen)];
  if (/\bMIT\b/.test(license)) return [`The authors of ${name}\n\n${mit}`];
  if (texts.length === 0) throw new Error(`${name} brings no text of its licence (${license})`);
  return texts;
}

const isMit = (text) => text.includes('Permission is hereby granted, free of charge');

/** The licence of this package, without its first lines, is MIT's as it stands everywhere. */
const mit = readFileSync(join(root, 'LICENSE'), 'utf8').split('\n').slice(4).join('\n').trim();
