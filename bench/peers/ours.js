/** This package, through its public class. */

import { ConversationStore } from 'conversation-store';

export async function open({ name = 'chats', durability, worker }) {
  const store = await ConversationStore.open(name, { durability, ...(worker && { worker }) });
  const hits = (query, limit) => store.search(query, { limit });
  return {
    createConversation: (title) => store.createConversation(title),
    addMessage: (conversation, role, content) => store.addMessage(conversation, role, content),
    async importConversations(conversations) {
      const { ids, failures } = await store.import(conversations);
      if (failures.length) throw new Error(JSON.stringify(failures[0]));
      return ids;
    },
    append: (message, text) => store.appendToMessage(message, text),
    list: (limit) => store.listConversations(limit),
    messages: (conversation, limit) => store.messagesFor(conversation, limit ? { limit } : {}),
    ...(typeof store.search === 'function' && { search: hits }),
    deleteConversation: (id) => store.deleteConversation(id),
    close: () => store.close(),
  };
}
