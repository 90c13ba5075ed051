// The brain that comes with the page: no network, no model. It answers about the chats that are stored
// here: looks for what is asked, counts them, tells what was talked about lately.

import type { ConversationStore } from 'conversation-store';
import type { Brain, Piece, Question } from './brain.ts';
import { wordByWord } from './pace.ts';

export const OFFLINE = 'offline';

/** What it needs of the store: it only reads. */
export type ChatsToRead = Pick<ConversationStore, 'search' | 'listConversations'>;

export class OfflineBrain implements Brain {
  readonly name = OFFLINE;
  readonly host = undefined;
  readonly model = undefined;

  constructor(private readonly chats: ChatsToRead) {}

  async *answer({ path, conversationId, variant, begun, signal }: Question): AsyncGenerator<Piece> {
    const { composeAnswer } = await import('./offline-answer.ts');
    const question = path.at(-1)?.content ?? '';
    const text = await composeAnswer(this.chats, { question, conversationId, variant, signal });
    // Other chats may have come meanwhile: the answer is another then.
    const rest = text.startsWith(begun) ? text.slice(begun.length) : `\n\n${text}`;
    yield* wordByWord(rest, signal);
  }

  async title(question: string): Promise<string | undefined> {
    const { titleOf } = await import('./offline-answer.ts');
    return titleOf(question);
  }
}
