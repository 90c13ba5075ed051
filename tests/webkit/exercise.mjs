/**
 * Calls every public method of a store once at least and gives what they gave, without what differs from one
 * time to the next. Sent to the page as text, so that it uses nothing of this module; the class is `Store`.
 */

/** @param {string} name */
export async function exercise(name) {
  const { Store } = globalThis;
  const called = new Set();
  // Where there is no Symbol.asyncDispose, that is the name of its method.
  const unnamed = ['constructor', ...(Symbol.asyncDispose ? [] : ['undefined'])];
  const methods = Object.getOwnPropertyNames(Store.prototype).filter((it) => !unnamed.includes(it));
  const real = await Store.open(name);
  globalThis.store = real;
  const store = new Proxy(real, {
    get(target, method) {
      if (typeof method === 'string') called.add(method);
      const value = target[method];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const out = {};
  const code = (promise) => promise.then(() => 'resolved').catch((error) => error.code);
  const texts = async (id, query) =>
    (await store.messagesFor(id, query)).map(({ role, content, status }) => [
      role,
      content,
      status,
    ]);
  let changes = 0;
  const unheard = () => {
    out.unheard = true;
  };
  store.addEventListener('change', unheard);
  store.removeEventListener('change', unheard);
  store.addEventListener('change', ({ detail }) => {
    changes += detail.changes.length;
  });

  // Conversations.
  const id = await store.createConversation('첫 대화', 'claude', { uid: 'c1', tags: ['a'] });
  const other = await store.createConversation('other', 'gpt');
  const trashed = await store.createConversation('to be deleted');
  await store.updateConversation(id, {
    title: '새 제목',
    pinned: true,
    metadata: { n: [1, null] },
  });
  await store.updateConversation(trashed, { trashed: true });
  const { title, pinned, tags, metadata } = await store.getConversation('c1');
  out.conversation = { title, pinned, tags, metadata };
  out.listed = (await store.listConversations({ brain: 'gpt' })).map((row) => row.title);
  out.trash = [await store.emptyTrash(), await store.deleteConversation(999)];

  // Messages.
  const first = await store.addMessage(id, 'user', 'Wo liegen meine Gespräche? 어디에 있나요?');
  const reply = await store.addMessage(id, 'assistant', [
    { type: 'text', text: 'in this browser' },
    { type: 'tool', result: { deep: ['x'] } },
  ]);
  await store.addMessage(id, 'assistant', 'another answer', { parentId: first.id });
  await store.updateMessage(reply.id, { usage: { inputTokens: 3 }, metadata: { seen: true } });
  await store.appendToMessage(reply.id, ', all of them');
  const message = await store.getMessage(reply.id);
  out.message = [message.content, message.parts, message.usage, message.metadata];
  out.branches = (await store.branches(reply.id)).map(({ content, onPath }) => [content, onPath]);
  out.path = await texts(id);
  const saved = await store.saveMessages(other, [
    { uid: 's1', role: 'user', content: 'one' },
    { uid: 's2', role: 'assistant', content: 'two' },
  ]);
  out.saved = saved.map(({ uid }) => uid);
  out.deleted = [
    await store.deleteMessage({ conversationId: other, uid: 's1' }),
    await texts(other),
  ];
  const copy = await store.fork(id, first.id);
  out.fork = await texts(copy);
  out.refused = [
    await code(store.addMessage(999, 'user', 'x')),
    await code(store.addMessage(id, 'robot', 'x')),
    await code(store.getMessage({ conversationId: id })),
  ];

  // Streams and watches.
  const watch = store.watchMessages(other);
  const list = store.watchConversations();
  const writer = await store.messageWriter(other, { model: 'm', flushInterval: 5 });
  const streaming = writer.getWriter();
  for (let n = 0; n < 20; n++) await streaming.write(`${n} `);
  await streaming.close();
  out.streamed = (await texts(other)).at(-1);
  const ready = (it, is) =>
    new Promise((resolve) => {
      const look = () => is() && resolve();
      it.subscribe(look);
      look();
    });
  await ready(watch, () => watch.current.at(-1)?.status === 'complete');
  await ready(list, () => list.state === 'ready');
  out.watched = [watch.current.length, list.current.length];

  // Search.
  const hits = await store.search('browser');
  out.hits = hits.map(({ kind, snippet }) => [kind, snippet]);
  out.korean = (await store.search('있나')).length;

  // Files.
  const bytes = new Uint8Array(600_000).map((_, n) => n % 253);
  const blob = await store.putBlob(new Blob([bytes], { type: 'image/x' }));
  const back = await store.getBlob(blob.ref);
  const same = new Uint8Array(await back.arrayBuffer()).every((byte, n) => byte === bytes[n]);
  out.blob = [blob.hash, blob.size, back.type, same];
  await store.addMessage(other, 'user', [{ type: 'file', url: blob.ref }]);
  const exported = await store.export({ conversationIds: [id] });
  const report = await store.import(
    [{ title: 'imported', messages: [{ role: 'user', content: 'from a file' }] }],
    {},
  );
  const again = await store.import(exported);
  out.imported = [report.conversations, report.messages, again.conversations, again.failures];
  const before = (await store.listConversations()).length;
  const file = await store.backup();
  out.backup = await file.slice(0, 15).text();
  await store.clear();
  out.cleared = (await store.listConversations()).length;
  await store.restore(file);
  out.restored = [before, (await store.listConversations()).length, await texts(id)];
  out.healed = (await store.heal()).healed;
  out.checked = await store.integrityCheck();

  // The store.
  const status = await store.status();
  out.status = [status.durability, status.synchronous, status.role, status.outdated];
  out.persist = typeof (await store.persist());
  out.told = changes > 10;
  const second = await Store.open(name === ':memory:' ? name : `${name}-2`);
  const disposes = typeof second[Symbol.asyncDispose ?? 'close'];
  await second.close();
  out.closed = [disposes, await code(second.listConversations())];
  called.add('close');
  out.missed = methods.filter((method) => !called.has(method));
  return out;
}
