/**
 * Writes THIRD-PARTY-LICENSES.md, which is in the package: what of others' code its modules hold, under which
 * licences, with their texts. `--check` only says whether it is up to date.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './run.mjs';
import { licenceTexts, shippedCrates } from './shipped.mjs';

const PATH = join(root, 'THIRD-PARTY-LICENSES.md');

/** What is compiled in and is no crate of Cargo.lock. */
const OTHERS = `\`sqlite-wasm-rs\` holds [SQLite](https://sqlite.org/copyright.html), which is in the public domain, and
what SQLite needs of a C library: functions of musl (MIT, copyright 2005-2020 Rich Felker, et al.) and others whose
files are named below.

Both modules hold parts of Rust's standard library (MIT OR Apache-2.0, the Rust project's contributors), and
with it of \`compiler_builtins\` (MIT AND Apache-2.0 WITH LLVM-exception; its mathematics come from musl, MIT,
Rich Felker and others), \`dlmalloc\` and \`hashbrown\` (MIT OR Apache-2.0). The JavaScript around them is written
by wasm-bindgen, which is listed below.`;

/** The file as it should be. */
export function thirdPartyLicences() {
  const crates = shippedCrates();
  const byText = new Map();
  for (const crate of crates) {
    for (const text of licenceTexts(crate)) {
      byText.set(text, [...(byText.get(text) ?? []), crate.name]);
    }
  }
  const { folder } = crates.find((it) => it.name === 'sqlite-wasm-rs');
  for (const file of ['printf/printf.h', 'musl/stdlib/qsort.c']) {
    const text = readFileSync(join(folder, 'shim', file), 'utf8');
    const comment = /\/\*[\s\S]*?\*\//.exec(text)?.[0];
    if (!comment?.includes('Permission is hereby granted'))
      throw new Error(`${file} says no licence`);
    const plain = comment.replaceAll(/^ *(\/\*+|\*\/|\*)? ?/gm, '').trim();
    byText.set(plain.replace(/\s*\*\/$/, ''), [`sqlite-wasm-rs, ${file}`]);
  }
  return `# Licences of what this package holds of others

The package has no dependencies; what it holds of others is compiled into its two WebAssembly modules. This file
is made by \`node scripts/licences.mjs\`.

${OTHERS}

| crate | version | licence |
| ----- | ------- | ------- |
${crates.map((it) => `| [${it.name}](${it.repository ?? `https://crates.io/crates/${it.name}`}) | ${it.version} | ${it.license} |`).join('\n')}

${[...byText].map(([text, names]) => `## ${names.join(', ')}\n\n\`\`\`text\n${text}\n\`\`\`\n`).join('\n')}`;
}

/** Whether the file says what is so. */
export const isUpToDate = () => readFileSync(PATH, 'utf8') === thirdPartyLicences();

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--check')) {
    if (!isUpToDate())
      throw new Error('THIRD-PARTY-LICENSES.md is not up to date: node scripts/licences.mjs');
  } else {
    writeFileSync(PATH, thirdPartyLicences());
  }
}
