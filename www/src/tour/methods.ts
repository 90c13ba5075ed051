// The methods of the class as the tour offers them: what a call is given at first, and the code that it
// stands for. Arguments are JSON; what JSON cannot hold is written as `{ "$blob": "text" }`. Knows no DOM.

import type { ConversationStore } from 'conversation-store';
import type { TextKey } from '../i18n/index.ts';

export interface Method {
  name: string;
  group: 'conversations' | 'messages' | 'streams' | 'search' | 'files' | 'store';
  /** What it is for. */
  about: TextKey & `tour.about_${string}`;
  /** The arguments, before they are edited. */
  args: unknown[];
  /** Where the method is not simply called with them. */
  run?: (store: ConversationStore, args: unknown[]) => Promise<unknown>;
  /** Where the code is not simply the call. */
  code?: (args: string[]) => string;
  /** The call gives a list that lives. */
  isWatch?: boolean;
}

/** The uid of the conversation that the tour begins with. */
export const SAMPLE = 'tour';

export const METHODS: readonly Method[] = [
  {
    name: 'createConversation',
    group: 'conversations',
    about: 'tour.about_createConversation',
    args: ['첫 대화 🌱', 'claude'],
  },
  {
    name: 'listConversations',
    group: 'conversations',
    about: 'tour.about_listConversations',
    args: [{ limit: 10 }],
  },
  {
    name: 'getConversation',
    group: 'conversations',
    about: 'tour.about_getConversation',
    args: [SAMPLE],
  },
  {
    name: 'updateConversation',
    group: 'conversations',
    about: 'tour.about_updateConversation',
    args: [SAMPLE, { pinned: true, tags: ['tour'] }],
  },
  {
    name: 'fork',
    group: 'conversations',
    about: 'tour.about_fork',
    args: [SAMPLE, { conversationId: SAMPLE, uid: 'answer' }],
  },
  {
    name: 'deleteConversation',
    group: 'conversations',
    about: 'tour.about_deleteConversation',
    args: ['no-such-chat'],
  },
  { name: 'emptyTrash', group: 'conversations', about: 'tour.about_emptyTrash', args: [] },
  {
    name: 'watchConversations',
    group: 'conversations',
    about: 'tour.about_watchConversations',
    args: [{ limit: 5 }],
    isWatch: true,
  },
  {
    name: 'addMessage',
    group: 'messages',
    about: 'tour.about_addMessage',
    args: [SAMPLE, 'user', 'Where are my chats kept?'],
  },
  {
    name: 'saveMessages',
    group: 'messages',
    about: 'tour.about_saveMessages',
    args: [
      'useChat',
      [
        { id: 'one', role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
        { id: 'two', role: 'assistant', parts: [{ type: 'text', text: 'Hi!' }] },
      ],
      { create: { title: 'Saved as a whole' } },
    ],
  },
  {
    name: 'messagesFor',
    group: 'messages',
    about: 'tour.about_messagesFor',
    args: [SAMPLE, { limit: 20 }],
  },
  {
    name: 'getMessage',
    group: 'messages',
    about: 'tour.about_getMessage',
    args: [{ conversationId: SAMPLE, uid: 'question' }],
  },
  {
    name: 'updateMessage',
    group: 'messages',
    about: 'tour.about_updateMessage',
    args: [
      { conversationId: SAMPLE, uid: 'answer' },
      { usage: { inputTokens: 12, outputTokens: 34 } },
    ],
  },
  {
    name: 'appendToMessage',
    group: 'messages',
    about: 'tour.about_appendToMessage',
    args: [{ conversationId: SAMPLE, uid: 'answer' }, ' And more.'],
  },
  {
    name: 'deleteMessage',
    group: 'messages',
    about: 'tour.about_deleteMessage',
    args: [{ conversationId: SAMPLE, uid: 'no-such-message' }],
  },
  {
    name: 'branches',
    group: 'messages',
    about: 'tour.about_branches',
    args: [{ conversationId: SAMPLE, uid: 'answer' }],
  },
  {
    name: 'watchMessages',
    group: 'messages',
    about: 'tour.about_watchMessages',
    args: [SAMPLE, { limit: 5 }],
    isWatch: true,
  },
  {
    name: 'messageWriter',
    group: 'streams',
    about: 'tour.about_messageWriter',
    args: [SAMPLE, { model: 'some-model' }, ['Word ', 'by ', 'word.']],
    run: async (store, [conversation, extra, chunks]) => {
      const writer = await store.messageWriter(conversation as string, extra as object);
      await new Blob(chunks as string[])
        .stream()
        .pipeThrough(new TextDecoderStream())
        .pipeTo(writer);
      return writer.message;
    },
    code: ([conversation, extra]) =>
      [
        `const response = await fetch('/api/chat');`,
        `const writer = await store.messageWriter(${conversation}, ${extra});`,
        'await response.body.pipeThrough(new TextDecoderStream()).pipeTo(writer);',
      ].join('\n'),
  },
  { name: 'search', group: 'search', about: 'tour.about_search', args: ['chats', { limit: 5 }] },
  {
    name: 'import',
    group: 'files',
    about: 'tour.about_import',
    args: [[{ title: 'Imported', messages: [{ role: 'user', content: 'From elsewhere' }] }]],
  },
  { name: 'export', group: 'files', about: 'tour.about_export', args: [{ format: 'markdown' }] },
  {
    name: 'putBlob',
    group: 'files',
    about: 'tour.about_putBlob',
    args: [{ $blob: 'Hello, attachment' }],
  },
  {
    name: 'getBlob',
    group: 'files',
    about: 'tour.about_getBlob',
    args: [
      'conversation-store:sha256-242df23f78f1c9ebf54e3fc816a365548b05951d169d07f22eb349e7a0f6a8f4',
    ],
  },
  { name: 'backup', group: 'files', about: 'tour.about_backup', args: [] },
  {
    name: 'restore',
    group: 'files',
    about: 'tour.about_restore',
    args: [],
    run: async (store) => {
      const file = await store.backup();
      await store.restore(file);
      return { restored: file.size };
    },
    code: () => 'const file = await store.backup();\nawait store.restore(file);',
  },
  { name: 'heal', group: 'store', about: 'tour.about_heal', args: [] },
  { name: 'integrityCheck', group: 'store', about: 'tour.about_integrityCheck', args: [] },
  { name: 'status', group: 'store', about: 'tour.about_status', args: [] },
  { name: 'persist', group: 'store', about: 'tour.about_persist', args: [] },
  { name: 'clear', group: 'store', about: 'tour.about_clear', args: [] },
];

/** The code of a call, as one would write it. */
export function codeOf({ name, code, isWatch }: Method, args: readonly unknown[]): string {
  const written = args.map(literal);
  if (code) return code(written);
  if (isWatch) {
    return `const list = store.${name}(${written.join(', ')});\nlist.subscribe((rows) => show(rows));`;
  }
  return `const result = await store.${name}(${written.join(', ')});`;
}

/** A value as code: JSON, but for keys that need no quotes, and Blobs. */
function literal(value: unknown): string {
  if (isBlob(value)) return `new Blob([${JSON.stringify(value.$blob)}])`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(
      ([key, field]) =>
        `${/^[a-z_$][\w$]*$/i.test(key) ? key : JSON.stringify(key)}: ${literal(field)}`,
    );
    return fields.length > 0 ? `{ ${fields.join(', ')} }` : '{}';
  }
  return JSON.stringify(value);
}

/** The arguments as they are given. */
export function given(args: readonly unknown[]): unknown[] {
  return args.map((value) =>
    isBlob(value) ? new Blob([value.$blob], { type: 'text/plain' }) : value,
  );
}

function isBlob(value: unknown): value is { $blob: string } {
  return typeof (value as { $blob?: unknown } | null)?.$blob === 'string';
}

/** A result as text. A Blob is told by what it is. */
export function shown(result: unknown): string {
  const text = JSON.stringify(
    result,
    (_, value) =>
      value instanceof Blob
        ? { [value instanceof File ? 'File' : 'Blob']: { size: value.size, type: value.type } }
        : value,
    2,
  );
  return text ?? 'undefined';
}
