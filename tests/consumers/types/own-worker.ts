// The class that a worker of one's own imports. Compiled, never run.

import init, { ConversationStore } from 'conversation-store/wasm';

export async function inWorker(): Promise<void> {
  await init();
  await init({ module_or_path: new URL('https://example.test/store.wasm') });
  const store = await ConversationStore.open('notes', { storage: 'opfs', durability: 'strict' });
  const id: number = await store.createConversation('첫 대화', 'gpt');
  const { uid }: { uid: string } = await store.addMessage(id, 'user', '안녕하세요');
  const titles: string[] = (await store.listConversations(5)).map(({ title }) => title);
  const texts: string[] = (await store.messagesFor(id, { limit: 5 })).map((row) => row.content);
  const found: string | undefined = (await store.getMessage(uid))?.content;
  await store.updateConversation(id, { title: [...titles, ...texts, found].join() });
  const count: number = await store.deleteConversation(id);
  if (count > 0) await store.restore(await store.backup());
  await store.close();

  // @ts-expect-error no such role
  await store.addMessage(id, 'robot', 'x');
  // @ts-expect-error no such storage
  await ConversationStore.open('notes', { storage: 'disk' });
}
