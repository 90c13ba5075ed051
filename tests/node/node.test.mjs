/**
 * The package in Node, in memory: what an app's own unit tests meet.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';

const entry = new URL('../../dist/index.js', import.meta.url).href;

/** Runs a module to its end; one that does not end is killed, and so fails. */
async function run(source) {
  const child = spawn(process.execPath, ['--input-type=module', '-'], { timeout: 20_000 });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data));
  child.stdin.end(`import { ConversationStore } from '${entry}';\n${source}`);
  const [code, signal] = await new Promise((resolve) =>
    child.on('close', (...outcome) => resolve(outcome)),
  );
  return { code, signal, text };
}

test('a process that forgets to close its store ends by itself', async () => {
  const { code, signal, text } = await run(`
    const store = await ConversationStore.open(':memory:');
    const id = await store.createConversation('안녕', 'echo', { timeout: Infinity });
    console.log(id, (await store.listConversations()).length);`);
  assert.deepEqual([code, signal, text], [0, null, '1 1\n']);
});

test('other storage is refused, with nothing left running', async () => {
  const { code, text } = await run(`
    for (const call of [() => ConversationStore.open('x'), () => ConversationStore.delete('x')])
      await call().catch((error) => console.log(error.code));`);
  assert.deepEqual([code, text], [0, 'storage-unavailable\nstorage-unavailable\n']);
});

test('importing does nothing', async () => {
  const { code, text } = await run('');
  assert.deepEqual([code, text], [0, '']);
});
