import { Chat, useChat } from '@ai-sdk/react';
import { lastAssistantMessageIsCompleteWithApprovalResponses, type UIMessage } from 'ai';
import { ConversationStore } from 'conversation-store';
import { createRoot } from 'react-dom/client';
import { answer } from './model';

const store = await ConversationStore.open<{ part: UIMessage['parts'][number] }>();
const id = 'example'; // The uid of the conversation.
let head: string | null = null; // The last stored message that this tab has seen.
let running = 0; // How many answers are under way.

const chat = new Chat<UIMessage>({
  id,
  sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  transport: {
    async sendMessages({ messages }) {
      running += 1;
      await save(messages); // What was said, edited or decided, before it is answered.
      return answer(messages);
    },
    reconnectToStream: async () => null,
  },
  async onFinish({ messages }) {
    await save(messages).catch(reportError);
    running -= 1;
    await load();
  },
});

async function save(messages: UIMessage[]) {
  const seen = head; // If another tab went on since, nothing is written, and this rejects.
  head = messages.at(-1)?.id ?? null;
  await store.saveMessages(id, messages, { create: true, head: seen });
}

async function load() {
  const rows = await store.messagesFor(id);
  if (running > 0) return; // `onFinish` will read what is there then.
  head = rows.at(-1)?.uid ?? null;
  chat.messages = rows.map(({ uid: id, role, parts, metadata }) => ({ id, role, parts, metadata }));
}

const decide = (id: string, approved: boolean) => chat.addToolApprovalResponse({ id, approved });
const button = (label: string, onClick: () => unknown) => (
  <input type="button" value={label} onClick={onClick} />
);

function entry({ id, role, parts }: UIMessage) {
  const asked = parts.find((part) => 'approval' in part && part.state === 'approval-requested');
  const edit = (text = prompt('Say instead')) => text && chat.sendMessage({ text, messageId: id });
  return (
    <p key={id} className={role}>
      {parts.map((part) => ('text' in part ? part.text : 'state' in part && part.state))}
      {role === 'user' && button('Edit', () => edit())}
      {role === 'assistant' && button('Regenerate', () => chat.regenerate({ messageId: id }))}
      {asked && button('Yes', () => decide(asked.approval.id, true))}
      {asked && button('No', () => decide(asked.approval.id, false))}
    </p>
  );
}

function App() {
  const { messages, error } = useChat({ chat });
  return (
    <form action={(form) => void chat.sendMessage({ text: `${form.get('text')}` })}>
      {messages.map(entry)}
      <input name="text" required placeholder="Say something, or: erase notes.txt" />
      {error?.message}
    </form>
  );
}

await load();
store.addEventListener('change', load); // Of this tab or another.
createRoot(document.body).render(<App />);
