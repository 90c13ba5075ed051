// Runs in the page: a few calls of one build of the package, in milliseconds each.

export async function calls(module) {
  const { ConversationStore } = await import(module);
  const name = 'bench-calls';
  const store = await ConversationStore.open(name, { durability: 'relaxed' });
  const text = 'A message of ordinary length, 한국어도 조금, and some more words. '.repeat(4);
  let [chat] = await store.listConversations(1);
  if (!chat) {
    for (let n = 0; n < 60; n++) await store.createConversation(`Conversation ${n}`);
    [chat] = await store.listConversations(1);
    for (let n = 0; n < 200; n++) await store.addMessage(chat.id, 'user', text);
  }
  const timed = async (count, call) => {
    // The browser compiles what is hot once more.
    for (let n = 0; n < count; n++) await call();
    const started = performance.now();
    for (let n = 0; n < count; n++) await call();
    return (performance.now() - started) / count;
  };
  const times = {
    'addMessage, relaxed': await timed(100, () => store.addMessage(chat.id, 'user', text)),
    'list of 50': await timed(50, () => store.listConversations(50)),
    '100 messages': await timed(50, () => store.messagesFor(chat.id, { limit: 100 })),
    'round trip': await timed(100, () => store.getConversation(chat.id)),
  };
  await store.close();
  return times;
}
