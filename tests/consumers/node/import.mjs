// Importing the package in Node does nothing: no global, no handle, no output, and the program
// ends by itself.

import assert from 'node:assert/strict';

const globals = Reflect.ownKeys(globalThis);
const resources = process.getActiveResourcesInfo();
const listeners = process.eventNames();
const { ConversationStore, ConversationStoreError } = await import('conversation-store');

assert.equal(typeof ConversationStore.open, 'function');
assert.ok(ConversationStoreError.prototype instanceof Error);
assert.deepEqual(Reflect.ownKeys(globalThis), globals, 'the import made globals');
assert.deepEqual(process.getActiveResourcesInfo(), resources, 'the import left a handle open');
assert.deepEqual(process.eventNames(), listeners, 'the import listens to the process');
