/**
 * The rules of ARCHITECTURE.md: each is an absence, looked for in the sources.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The files under a folder with one of those endings. */
function files(folder, ...endings) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path));
}

/** The code of a file without its comments and doc comments. */
function code(path) {
  return readFileSync(join(root, path), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '');
}

/** Holds that no file matches, and that there are files to look at. */
function absent(paths, pattern, rule) {
  assert.ok(paths.length > 0, 'nothing to look at');
  for (const path of paths) {
    const found = pattern.exec(code(path));
    assert.equal(found?.[0], undefined, `${path}: ${rule}`);
  }
}

const rust = files('src', '.rs').filter(
  (path) => !/^src\/(formats|search)\/(tests|examples)\//.test(path),
);
const outside = (folder) => rust.filter((path) => !path.startsWith(folder));

test('only src/wasm and its like of formats name a JavaScript value', () => {
  absent(
    outside('src/wasm/').filter(
      (path) => path !== 'src/formats/src/wasm.rs' && !path.startsWith('src/salvage/module/'),
    ),
    /\b(js_sys|web_sys|wasm_bindgen|serde_wasm_bindgen|JsValue)\b/,
    'JavaScript belongs to src/wasm',
  );
});

test('formats know no store, no clock and no randomness', () => {
  absent(
    rust.filter((path) => path.startsWith('src/formats/')),
    /\b(conversation_store|crate::store|SystemTime|Instant|getrandom|std::(fs|net|thread))\b/,
    'what goes between is crate::chat, and a time is given',
  );
});

test('search knows no store, no storage, no clock and no randomness', () => {
  absent(
    rust.filter((path) => path.startsWith('src/search/')),
    /\b(conversation_store|rusqlite|SystemTime|Instant|getrandom|std::(fs|io|net|thread))\b/,
    'pieces are asked for, and a time is given',
  );
});

test('the reader of damaged files knows no store, no engine, no storage, no clock and no randomness', () => {
  absent(
    rust.filter((path) => path.startsWith('src/salvage/')),
    /\b(conversation_store|rusqlite|SystemTime|Instant|getrandom|std::(fs|io|net|thread))\b/,
    'bytes are asked for',
  );
});

test('only src/store names the engine', () => {
  absent(outside('src/store/'), /\brusqlite::|\buse rusqlite\b/, 'the engine belongs to src/store');
});

test('the store reads no clock and no source of randomness', () => {
  absent(
    rust.filter((path) => path.startsWith('src/store/')),
    /\b(SystemTime|Instant|Utc::now|getrandom|thread_rng|OsRng)\b/,
    'clock and randomness are injected',
  );
});

test('src/tabs does no I/O and reads no clock', () => {
  absent(
    rust.filter((path) => path.startsWith('src/tabs/')),
    /\b(std::(fs|net|thread|time|io)|SystemTime|Instant|js_sys|web_sys|rusqlite|Store\b)/,
    'events come in, actions go out',
  );
});

test('only src/store holds SQL', () => {
  const sql = /\b(SELECT\s|INSERT INTO|UPDATE \w+ SET|DELETE FROM|PRAGMA|CREATE (TABLE|INDEX))/;
  absent(outside('src/store/'), sql, 'SQL belongs to src/store');
  absent(
    [...files('src/client', '.ts'), ...files('www/src', '.ts')],
    sql,
    'SQL belongs to src/store',
  );
});

test('unsafe stands only where the VFS is registered', () => {
  absent(
    rust.filter((path) => path !== 'src/wasm/vfs.rs'),
    /\bunsafe\b/,
    'unsafe belongs to the registration of the VFS',
  );
});

test('no request can make the worker panic on purpose', () => {
  absent(
    rust.filter((path) => !/plans\.rs|\/tests\.rs|time|name/.test(path)),
    /\.unwrap\(\)|\.expect\(|panic!|todo!|unimplemented!|unreachable!/,
    'bad input is an error',
  );
});

test('a type that crosses is written once, in Rust', () => {
  absent(
    files('src/client', '.ts'),
    /\b(interface|type) (Conversation\w*|Message\w*|AddedMessage|StoreStatus|Role|ErrorCode)\s*[={]/,
    'it is generated from src/model.rs',
  );
});

test('the page imports the package by its name only, and kept libraries', () => {
  const paths = files('www/src', '.ts');
  assert.ok(paths.length > 0);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const libraries = Object.keys(manifest.devDependencies);
  const isOf = (name, from) =>
    from === name || from.startsWith(`${name}/`) || from === 'virtual:pwa-register';
  for (const path of paths) {
    const found = code(path).matchAll(
      /\bfrom '([^'\n]+)';|\bimport\('([^'\n]+)'\)|^import '([^'\n]+)';/gm,
    );
    for (const [, one, two, three] of found) {
      const from = one ?? two ?? three;
      // A text to be shown is no code.
      const inside = from.startsWith('.')
        ? /^(www\/src\/.*|examples\/.*\?raw)$/.test(join(path, '..', from))
        : from === 'conversation-store' || libraries.some((name) => isOf(name, from));
      assert.ok(inside, `${path} imports ${from}`);
    }
  }
});

/** What a catalog exports: its areas. */
async function textsOf(path) {
  const { outputFiles } = await build({
    entryPoints: [join(root, path)],
    bundle: true,
    format: 'esm',
    write: false,
  });
  const text = Buffer.from(outputFiles[0].contents).toString('base64');
  return import(`data:text/javascript;base64,${text}`);
}

test('the tour has each method of the class', async () => {
  const { METHODS } = await textsOf('www/src/tour/methods.ts');
  const types = readFileSync(join(root, 'src/client/index.ts'), 'utf8');
  const [, own = ''] =
    /^export class ConversationStore[\s\S]*?\{\n([\s\S]*?)^\}/m.exec(types) ?? [];
  const methods = [...own.matchAll(/^ {2}(?:async )?([a-z]\w+)(?:<[^>]*>)?\(/gm)].map(
    ([, name]) => name,
  );
  assert.ok(methods.length > 25);
  // What ends the page's own store, and what an event target has, are no forms.
  const without = ['constructor', 'close', 'addEventListener', 'removeEventListener'];
  const offered = new Set(METHODS.map(({ name }) => name));
  for (const name of methods) {
    if (!without.includes(name)) assert.ok(offered.has(name), `${name} is not in the tour`);
  }
});

test('each language of the page says the same, with the same in it', async () => {
  const [english, ...others] = await Promise.all(
    ['en', 'ko'].map(async (language) => {
      const areas = files(`www/src/i18n/${language}`, '.ts').filter((path) => !/index/.test(path));
      assert.ok(areas.length > 5);
      const all = await Promise.all(areas.map((path) => textsOf(path)));
      return all.flatMap((area) =>
        Object.entries(area).flatMap(([name, texts]) =>
          Object.entries(texts).map(([key, text]) => [`${name}.${key}`, text]),
        ),
      );
    }),
  );
  const given = (text) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name).sort();
  const plain = (texts) => texts.filter(([key]) => !key.endsWith('_one'));
  for (const other of others) {
    const known = new Map(other);
    assert.deepEqual(
      [...known.keys()].sort(),
      plain(english)
        .map(([key]) => key)
        .sort(),
    );
    for (const [key, text] of plain(english)) {
      assert.deepEqual(given(known.get(key)), given(text), key);
    }
  }
});

test('the page asks nobody but the endpoints that its reader has saved', () => {
  absent(
    files('www/src', '.ts').filter(
      // The tour shows code that has one.
      (path) => !['www/src/brains/openai.ts', 'www/src/tour/methods.ts'].includes(path),
    ),
    /\bfetch\(|XMLHttpRequest|WebSocket|EventSource\b|sendBeacon|importScripts/,
    'requests belong to www/src/brains/openai.ts',
  );
});

test('HTML of messages goes through one file', () => {
  absent(
    files('www/src', '.ts').filter((path) => path !== 'www/src/chat/markdown/purify.ts'),
    /dompurify/,
    'HTML of messages belongs to purify.ts',
  );
});

test('no text becomes markup or code', () => {
  absent(
    [
      ...files('src/client', '.ts'),
      ...files('www/src', '.ts'),
      ...files('examples', '.ts', '.tsx'),
      ...rust.filter((path) => path.startsWith('src/wasm/') || path.endsWith('/wasm.rs')),
    ],
    /\b(innerHTML|outerHTML|insertAdjacentHTML|set_inner_html|setHTML\w*|srcdoc|createContextualFragment|DOMParser|dangerouslySetInnerHTML)\b|\beval\(|\bdocument\.write|\bnew Function\b|\bFunction\(|\bset(Timeout|Interval)\(\s*['"`]|['"`]javascript:/,
    'what a conversation says is text, and is shown as text',
  );
});

test('tests sleep nowhere, skip nothing and retry nothing', () => {
  absent(
    [
      ...files('tests', '.ts', '.rs', '.mjs'),
      ...files('src/formats/tests', '.rs'),
      ...files('src/search/tests', '.rs'),
    ].filter((path) => !path.includes('rules.test')),
    /\b(waitForTimeout|thread::sleep|test\.(skip|only|fixme)|#\[ignore|retries: [1-9])/,
    'wait for the event, mend the flake',
  );
});

test('ARCHITECTURE.md says why each dependency is there', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const manifests = [
    'Cargo.toml',
    'src/formats/Cargo.toml',
    'src/salvage/Cargo.toml',
    'src/salvage/module/Cargo.toml',
    'src/search/Cargo.toml',
    'fuzz/Cargo.toml',
  ];
  const cargo = manifests.map((path) => readFileSync(join(root, path), 'utf8')).join('\n');
  const sections = cargo.split(/^\[/m).filter((section) => /^[^\n]*dependencies\]/.test(section));
  const crates = sections.flatMap((section) =>
    [...section.matchAll(/^([a-z][\w-]*) = /gm)].map(([, name]) => name),
  );
  const npm = ['package.json', 'bench/package.json'].flatMap((path) => {
    const manifest = JSON.parse(readFileSync(join(root, path), 'utf8'));
    return Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  });
  assert.ok(crates.length > 5 && npm.length > 5);
  for (const name of [...crates, ...npm]) {
    assert.ok(text.includes(`\`${name}\``), `${name} is not explained`);
  }
});
