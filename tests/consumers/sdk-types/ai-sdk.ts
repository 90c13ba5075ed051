// Rows are messages of the AI SDK, of both majors, and its messages are accepted: without `any` and
// without a cast. Compiled, never run.

import type * as V6 from 'ai6';
import type * as V7 from 'ai7';
import {
  type ConversationStore,
  type Message,
  ConversationStore as Store,
} from 'conversation-store';

type Tools = { weather: { input: { city: string }; output: { degrees: number } } };
type Data = { progress: { percent: number } };
interface Metadata {
  model?: string;
  totalTokens?: number;
}

/** Compiles only if A and B are one type, and A not `any`. */
function same<A, B>(_yes: [A, B] extends [B, A] ? (0 extends 1 & A ? false : true) : false): void {}

// What the tests stand on: the SDKs' types are found, and none is `any`.
same<V6.UIMessage, V6.UIMessage>(true);
same<V7.UIMessage, V7.UIMessage>(true);
same<V6.UIMessagePart<Data, Tools>, V6.UIMessage<Metadata, Data, Tools>['parts'][number]>(true);
same<V7.UIMessagePart<Data, Tools>, V7.UIMessage<Metadata, Data, Tools>['parts'][number]>(true);

/** An app that has types of its own for parts, data, tools and metadata. */
export async function typed6(chat: V6.UIMessage<Metadata, Data, Tools>[]): Promise<void> {
  type Part = V6.UIMessagePart<Data, Tools>;
  const store = await Store.open<{ part: Part; metadata: Metadata }>();
  const rows = await store.messagesFor('chat');
  same<(typeof rows)[number]['parts'], Part[]>(true);
  same<(typeof rows)[number]['metadata'], Metadata>(true);
  const shown: V6.UIMessage<Metadata, Data, Tools>[] = rows.map((row) => ({ ...row, id: row.uid }));
  const bare: typeof shown = rows.map(({ uid: id, role, parts, metadata }) => ({
    id,
    role,
    parts,
    metadata,
  }));
  await keep(store, chat, [...shown, ...bare]);
  for (const { role, parts } of chat) await store.addMessage('chat', role, parts);
}

export async function typed7(chat: V7.UIMessage<Metadata, Data, Tools>[]): Promise<void> {
  type Part = V7.UIMessagePart<Data, Tools>;
  const store = await Store.open<{ part: Part; metadata: Metadata }>();
  const rows = await store.messagesFor('chat');
  same<(typeof rows)[number]['parts'], Part[]>(true);
  same<(typeof rows)[number]['metadata'], Metadata>(true);
  const shown: V7.UIMessage<Metadata, Data, Tools>[] = rows.map((row) => ({ ...row, id: row.uid }));
  const bare: typeof shown = rows.map(({ uid: id, role, parts, metadata }) => ({
    id,
    role,
    parts,
    metadata,
  }));
  await keep(store, chat, [...shown, ...bare]);
  for (const { role, parts } of chat) await store.addMessage('chat', role, parts);
}

/** An app that takes the SDK's types as they are. */
export async function plain(six: V6.UIMessage[], seven: V7.UIMessage[]): Promise<void> {
  const store6 = await Store.open<{ part: V6.UIMessage['parts'][number] }>();
  const rows6: V6.UIMessage[] = (await store6.messagesFor(1)).map((row) => ({
    ...row,
    id: row.uid,
  }));
  await keep(store6, six, rows6);
  const store7 = await Store.open<{ part: V7.UIMessage['parts'][number] }>();
  const rows7: V7.UIMessage[] = (await store7.messagesFor(1)).map((row) => ({
    ...row,
    id: row.uid,
  }));
  await keep(store7, seven, rows7);
  // Other ways to the same rows.
  const watched: readonly V7.UIMessage[] = store7
    .watchMessages(1)
    .current.map((row) => ({ ...row, id: row.uid }));
  const siblings: V7.UIMessage[] = (await store7.branches(1)).map((row) => ({
    ...row,
    id: row.uid,
  }));
  const one = await store7.getMessage('a-uid');
  const single: V7.UIMessage | undefined = one && { ...one, id: one.uid };
  await keep(store7, [...watched, ...siblings], single ? [single] : []);
}

/** What comes from the SDK goes into a store of any types. */
async function keep(
  store: Pick<ConversationStore, 'saveMessages' | 'updateMessage'>,
  ...chats: (readonly (V6.UIMessage | V7.UIMessage)[])[]
): Promise<void> {
  for (const messages of chats) {
    await store.saveMessages('chat', messages, { create: { title: 'A chat' }, head: null });
    for (const { id, parts } of messages) {
      await store.updateMessage({ conversationId: 'chat', uid: id }, { parts });
    }
  }
}

/** Parts may be interfaces too, which have no index signature. */
export async function interfaces(parts: readonly Note[]): Promise<void> {
  const store = await Store.open<{ part: Note }>();
  await store.addMessage('chat', 'user', parts);
  await store.addMessage('chat', 'user', parts, { parts });
  await store.saveMessages('chat', [
    { role: 'user', parts },
    { role: 'user', parts: [...parts] },
  ]);
  await store.saveMessages('chat', await store.messagesFor('chat'));
  await store.updateMessage(1, { parts });
  const untyped = await Store.open();
  await untyped.addMessage('chat', 'user', parts);
  await untyped.addMessage('chat', 'user', [{ type: 'note', note: 'x', anything: 1 }]);
  await untyped.saveMessages('chat', [{ role: 'user', parts: [{ type: 'note', note: 'x' }] }]);
  // @ts-expect-error not a part of this store
  await store.addMessage('chat', 'user', [{ type: 'text', text: 'x' }]);
}

interface Note {
  readonly type: 'note';
  readonly note: string;
}

export function wrong(rows: Message[], store: ConversationStore): void {
  // @ts-expect-error rows of unknown parts are no messages of the SDK
  const messages: V7.UIMessage[] = rows.map((row) => ({ ...row, id: row.uid }));
  // @ts-expect-error a role that the SDK does not have
  void store.saveMessages(1, [{ role: 'tool', parts: messages.flatMap(({ parts }) => parts) }]);
  // @ts-expect-error a part has a type
  void store.saveMessages(1, [{ role: 'user', parts: [{ text: 'x' }] }]);
}
