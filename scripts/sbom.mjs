/**
 * `npm run sbom`: writes sbom.cdx.json, what the package is made of (CycloneDX 1.5,
 * https://cyclonedx.org/docs/1.5/json/): npm's own list, which names no dependency, and the crates and the
 * SQLite of the modules, each with the checksum that Cargo.lock holds it to.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { output, root } from './run.mjs';
import { shippedCrates } from './shipped.mjs';

/** The version of SQLite that is compiled in, as its header says. */
function sqlite(crates) {
  const { folder } = crates.find((it) => it.name === 'sqlite-wasm-rs');
  const header = readFileSync(join(folder, 'sqlite3/sqlite3.h'), 'utf8');
  const version = /#define SQLITE_VERSION\s+"([\d.]+)"/.exec(header)?.[1];
  if (!version) throw new Error('the header of SQLite says no version');
  return {
    type: 'library',
    'bom-ref': `sqlite@${version}`,
    name: 'sqlite',
    version,
    purl: `pkg:generic/sqlite@${version}`,
    cpe: `cpe:2.3:a:sqlite:sqlite:${version}:*:*:*:*:*:*:*`,
    licenses: [{ license: { name: 'blessing' } }],
  };
}

const component = ({ name, version, license, checksum }) => ({
  type: 'library',
  'bom-ref': `pkg:cargo/${name}@${version}`,
  name,
  version,
  purl: `pkg:cargo/${name}@${version}`,
  hashes: [{ alg: 'SHA-256', content: checksum }],
  // Old crates write a slash for OR.
  licenses: [{ expression: license.replaceAll('/', ' OR ') }],
});

/** The list. */
export function sbom() {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'];
  const text = output('npm', args);
  if (!text) throw new Error('npm sbom failed');
  const list = JSON.parse(text);
  const crates = shippedCrates();
  const own = list.metadata.component;
  own.name = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).name;
  const components = [...crates.map(component), sqlite(crates)];
  list.components.push(...components);
  const all = components.map((it) => it['bom-ref']);
  list.dependencies = [
    { ref: own['bom-ref'], dependsOn: all },
    ...all.map((ref) => ({ ref, dependsOn: [] })),
  ];
  return list;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(root, 'sbom.cdx.json'), `${JSON.stringify(sbom(), null, 2)}\n`);
}
