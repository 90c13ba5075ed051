// ':memory:' works in Node, for apps' own unit tests; anything that would have to be kept does
// not, and says so. The program ends by itself when the store is closed.

import assert from 'node:assert/strict';
import { ConversationStore, ConversationStoreError } from 'conversation-store';

const store = await ConversationStore.open(':memory:');
const id = await store.createConversation('첫 대화 👋');
const question = await store.addMessage(id, 'user', '안녕하세요?');
const answer = await store.addMessage(id, 'assistant', '안녕하세요! ☀️');
assert.ok(answer.id > question.id);

const [conversation] = await store.listConversations();
assert.equal(conversation.title, '첫 대화 👋');
assert.equal(conversation.brain, 'claude');
const messages = await store.messagesFor(id);
assert.deepEqual(
  messages.map(({ role, content }) => [role, content]),
  [
    ['user', '안녕하세요?'],
    ['assistant', '안녕하세요! ☀️'],
  ],
);
const { storage, journalMode } = await store.status();
assert.deepEqual({ storage, journalMode }, { storage: 'memory', journalMode: 'memory' });
await assert.rejects(store.addMessage(id, 'robot', 'x'), isError('invalid-argument'));

// Each open is a database of its own.
const other = await ConversationStore.open(':memory:');
assert.deepEqual(await other.listConversations(), []);
await other.close();

assert.equal(await store.deleteConversation(id), 1);
assert.equal(await store.deleteConversation(id), 0);
assert.deepEqual(await store.listConversations(), []);
await store.close();
await store.close();
await assert.rejects(store.listConversations(), isError('closed'));

await assert.rejects(ConversationStore.open('x'), isError('storage-unavailable'));
await assert.rejects(
  ConversationStore.open('x', { storage: 'opfs' }),
  isError('storage-unavailable'),
);

function isError(code) {
  return (error) => {
    assert.ok(error instanceof ConversationStoreError, String(error));
    assert.equal(error.code, code);
    return true;
  };
}
