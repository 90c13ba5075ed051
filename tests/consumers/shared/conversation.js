/**
 * What a consumer does with a store, and what the runner expects to read back.
 */

export const TITLE = '여행 계획 ✈️ 👩‍👩‍👧‍👦';
export const BRAIN = 'gpt';
export const MESSAGES = [
  { role: 'system', content: '짧고 친절하게 답하세요.' },
  { role: 'user', content: '안녕하세요! 👋 오늘 날씨가 어때요?\n제주도요.' },
  { role: 'assistant', content: '맑아요 ☀️ 우산은 필요 없어요 🌂' },
];

/** Writes one conversation where there is none yet, and reads everything back either way. */
export async function writeOrRead(store) {
  const found = (await store.listConversations()).length;
  if (found === 0) {
    const id = await store.createConversation(TITLE, BRAIN);
    for (const { role, content } of MESSAGES) await store.addMessage(id, role, content);
  }
  const conversations = await store.listConversations(10);
  const messages = await store.messagesFor(conversations[0].id);
  const { storage, journalMode, synchronous } = await store.status();
  return {
    found,
    conversations: conversations.map(({ title, brain }) => ({ title, brain })),
    messages: messages.map(({ role, content }) => ({ role, content })),
    status: { storage, journalMode, synchronous },
  };
}

/** Gives everything as a file and takes it back, by a worker and a module that a bundler has to find too. */
export async function exportAndImport(store) {
  const file = await store.export();
  const { conversations, messages, failures } = await store.import(file);
  return {
    file: file.type,
    again: [conversations.skipped, messages.skipped, failures.length],
  };
}
