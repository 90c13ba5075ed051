// Rows are what assistant-ui loads, and its messages are accepted: without `any` and without a cast.
// Compiled, never run.

import {
  ExportedMessageRepository,
  type ExportedMessageRepositoryItem,
  type FileMessagePart,
  type ImageMessagePart,
  type MessageFormatItem,
  type TextMessagePart,
  type ThreadHistoryAdapter,
  type ThreadMessage,
  type ThreadMessageLike,
} from '@assistant-ui/react';
import type { UIMessage } from 'ai7';
import { ConversationStore, type Message } from 'conversation-store';

/** Compiles only if A and B are one type, and A not `any`. */
function same<A, B>(_yes: [A, B] extends [B, A] ? (0 extends 1 & A ? false : true) : false): void {}

// What the tests stand on: these types are found, and none is `any`.
same<ExportedMessageRepositoryItem, ExportedMessageRepository['messages'][number]>(true);
same<ExportedMessageRepositoryItem['message'], ThreadMessage>(true);

/** Every kind of part, and what else a message has. */
interface Anything {
  part: Exclude<ThreadMessageLike['content'], string>[number];
  metadata: Pick<ThreadMessageLike, 'status' | 'attachments' | 'metadata'>;
}

/** The history of a thread with all its branches, as an app gives it to its runtime. */
export async function history(chat: string): Promise<ThreadHistoryAdapter> {
  const store = await ConversationStore.open<Anything>();
  return {
    async load() {
      const rows = await store.messagesFor(chat, { branches: 'all' });
      const items = rows.map(({ uid: id, parentUid: parentId, role, parts, ...row }) => ({
        parentId,
        message: { ...row.metadata, id, role, content: parts, createdAt: new Date(row.createdAt) },
      }));
      const headId = (await store.getConversation(chat))?.headUid ?? null;
      return ExportedMessageRepository.fromBranchableArray(items, { headId });
    },
    async append({ parentId, message: { id: uid, role, content, createdAt, ...metadata } }) {
      await store.addMessage(chat, role, content, { uid, parentId, createdAt, metadata });
    },
    async update({ message: { id, content, ...metadata } }) {
      await store.updateMessage({ conversationId: chat, uid: id }, { parts: content, metadata });
    },
  };
}

/** Items without the SDK's help: of parts that people and models both send. */
export function items(
  rows: Message<{ part: TextMessagePart | ImageMessagePart | FileMessagePart }>[],
): ExportedMessageRepositoryItem[] {
  return rows.map(({ uid: id, parentUid: parentId, role, parts: content, createdAt }) => {
    const common = { id, content, createdAt: new Date(createdAt) };
    const message: ThreadMessage =
      role === 'assistant'
        ? { ...common, role, status: { type: 'complete', reason: 'unknown' }, metadata: ANSWERED }
        : { ...common, role: 'user', attachments: [], metadata: { custom: {} } };
    return { parentId, message };
  });
}

const ANSWERED = {
  unstable_state: null,
  unstable_annotations: [],
  unstable_data: [],
  steps: [],
  custom: {},
};

/** The AI SDK's messages, as assistant-ui's runtimes on that SDK load them. */
export function formatted(
  rows: Message<{ part: UIMessage['parts'][number] }>[],
): MessageFormatItem<UIMessage>[] {
  return rows.map((row) => ({ parentId: row.parentUid, message: { ...row, id: row.uid } }));
}

export function wrong(rows: Message[]): void {
  const items = rows.map((row) => ({
    parentId: row.parentUid,
    message: { id: row.uid, role: row.role, content: row.parts },
  }));
  // @ts-expect-error rows of unknown parts are none of assistant-ui's
  ExportedMessageRepository.fromBranchableArray(items);
}
