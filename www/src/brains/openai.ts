// A model behind an OpenAI-compatible endpoint: requests of `/chat/completions`, answered by
// server-sent events. The only file that asks anything of the network, and only of what was saved.

import type { Message, MessagePart } from 'conversation-store';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { type Brain, BrainError, type BrainFailure, type Piece, type Question } from './brain.ts';
import type { Endpoint } from './endpoints.ts';
import { ThinkTags } from './think-tags.ts';

/** Reads an attachment. */
export type ReadBlob = (ref: string) => Promise<Blob | undefined>;

/** A text file of at most so many bytes goes along as text. */
const TEXT_FILE = 200_000;

interface Delta {
  content?: string | null;
  reasoning?: string | null;
  reasoning_content?: string | null;
  tool_calls?: {
    index?: number;
    id?: string;
    function?: { name?: string; arguments?: string };
  }[];
}

interface Chunk {
  model?: string;
  choices?: { delta?: Delta; message?: Delta; finish_reason?: string | null }[];
  usage?: {
    prompt_tokens?: number;
    completion_tokens?: number;
    total_tokens?: number;
  } | null;
  error?: unknown;
}

type ContentPart =
  | { type: 'text'; text: string }
  | { type: 'image_url'; image_url: { url: string } };

interface ChatMessage {
  role: string;
  content: string | ContentPart[];
}

export class OpenAiBrain implements Pick<Brain, 'answer' | 'title'> {
  constructor(
    private readonly endpoint: Endpoint,
    private readonly key: string,
    private readonly readBlob: ReadBlob,
  ) {}

  async *answer({ path, system, model, begun, signal }: Question): AsyncGenerator<Piece> {
    const messages: ChatMessage[] = [];
    if (system) messages.push({ role: 'system', content: system });
    for (const message of path) {
      const content = await contentOf(message, this.readBlob);
      if (content.length > 0) messages.push({ role: message.role, content });
    }
    if (begun !== '') {
      // Not every endpoint goes on with a message of its own, but all answer a question.
      messages.push({ role: 'assistant', content: begun }, { role: 'user', content: GO_ON });
    }
    const response = await this.#ask(
      '/chat/completions',
      signal,
      withModel(model ?? this.#model, {
        messages,
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    yield* this.#read(response);
  }

  async title(question: string, answer: string, signal: AbortSignal): Promise<string | undefined> {
    const body = withModel(this.#model, {
      messages: [
        { role: 'user', content: question.slice(0, 2_000) },
        { role: 'assistant', content: answer.slice(0, 2_000) },
        { role: 'user', content: NAME_IT },
      ],
      stream: false,
    });
    const response = await this.#ask('/chat/completions', signal, body);
    const chunk = parse(await response.text());
    const said = chunk.choices?.[0]?.message?.content ?? '';
    return titleIn(said);
  }

  /**
   * The models that the endpoint offers.
   *
   * @throws BrainError.
   */
  async models(signal: AbortSignal): Promise<string[]> {
    const response = await this.#ask('/models', signal);
    const { data } = parse(await response.text()) as { data?: { id?: unknown }[] };
    if (!Array.isArray(data)) throw this.#failure('answer', 'The list of models has no "data".');
    return data.flatMap(({ id }) => (typeof id === 'string' ? [id] : []));
  }

  get #model(): string | undefined {
    return this.endpoint.model || undefined;
  }

  async #ask(path: string, signal: AbortSignal, body?: object): Promise<Response> {
    const url = this.endpoint.url + path;
    let response: Response;
    try {
      response = await fetch(url, {
        method: body ? 'POST' : 'GET',
        headers: {
          ...(body && { 'Content-Type': 'application/json' }),
          ...(this.key !== '' && { Authorization: `Bearer ${this.key}` }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal,
        // Nothing about the reader goes along, and nowhere but there.
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        redirect: 'error',
        cache: 'no-store',
      });
    } catch (error) {
      if (signal.aborted) throw error;
      throw this.#failure('network', messageOf(error));
    }
    if (response.ok) return response;
    const said = saidIn(await response.text().catch(() => ''));
    const status = [response.status, response.statusText].filter(Boolean).join(' ');
    const kind = response.status === 401 && this.key === '' ? 'key' : 'status';
    throw this.#failure(kind, said ? `${status}: ${said}` : status, response.status);
  }

  async *#read(response: Response): AsyncGenerator<Piece> {
    const tags = new ThinkTags();
    const tools = new Map<number, { id: string; name: string; input: string }>();
    let ended = false;
    for await (const chunk of chunksOf(response)) {
      if (chunk === 'done') {
        ended = true;
        continue;
      }
      if (chunk.error !== undefined) throw this.#failure('answer', saidBy(chunk.error));
      if (chunk.model) yield { model: chunk.model };
      if (chunk.usage) yield { usage: usageOf(chunk.usage) };
      const [choice] = chunk.choices ?? [];
      const delta = choice?.delta ?? choice?.message;
      const thought = delta?.reasoning_content ?? delta?.reasoning;
      if (thought) yield { reasoning: thought };
      if (delta?.content) yield* tags.read(delta.content);
      for (const call of delta?.tool_calls ?? []) {
        const at = call.index ?? 0;
        const known = tools.get(at) ?? { id: call.id ?? `call-${at}`, name: '', input: '' };
        known.name += call.function?.name ?? '';
        known.input += call.function?.arguments ?? '';
        tools.set(at, known);
      }
      if (choice?.finish_reason) {
        ended = true;
        yield { finishReason: choice.finish_reason };
      }
    }
    yield* tags.end();
    for (const { id, name, input } of tools.values()) yield { tool: toolPart(id, name, input) };
    if (!ended) throw this.#failure('answer', 'The connection ended before the answer did.');
  }

  #failure(kind: BrainFailure['kind'], message: string, status?: number): BrainError {
    return new BrainError({
      kind,
      message,
      url: this.endpoint.url,
      ...(status !== undefined && { status }),
    });
  }
}

const GO_ON =
  'Your last answer was cut off. Go on exactly where it stopped, within the word if need be. Repeat nothing, and say nothing about this.';
const NAME_IT =
  'Give this conversation a title of at most six words, in its own language. Answer with the title alone: no quotes, no full stop.';

/** Events of a stream, or the one answer of an endpoint that does not stream. */
async function* chunksOf(response: Response): AsyncGenerator<Chunk | 'done'> {
  if (!response.body) return;
  if (/^application\/json\b/.test(response.headers.get('Content-Type') ?? '')) {
    yield parse(await response.text());
    return;
  }
  const events = response.body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>)
    .pipeThrough(new EventSourceParserStream());
  const reader = events.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (value.data === '[DONE]') yield 'done';
      else if (value.data !== '') yield parse(value.data);
    }
  } finally {
    // Whoever stops reading wants no more of it.
    await reader.cancel().catch(() => undefined);
  }
}

function parse(text: string): Chunk {
  try {
    return JSON.parse(text) as Chunk;
  } catch {
    throw new BrainError({ kind: 'answer', message: `This is no JSON: ${text.slice(0, 300)}` });
  }
}

function withModel(model: string | undefined, body: object): object {
  return { ...(model !== undefined && { model }), ...body };
}

function usageOf({ prompt_tokens, completion_tokens, total_tokens }: NonNullable<Chunk['usage']>) {
  return {
    ...(prompt_tokens !== undefined && { inputTokens: prompt_tokens }),
    ...(completion_tokens !== undefined && { outputTokens: completion_tokens }),
    ...(total_tokens !== undefined && { totalTokens: total_tokens }),
  };
}

function toolPart(toolCallId: string, toolName: string, text: string) {
  let input: unknown = text;
  try {
    input = JSON.parse(text);
  } catch {
    // Not whole: as it came.
  }
  return { type: 'dynamic-tool', toolName, toolCallId, state: 'input-available', input };
}

/** What a message says, with its pictures; '' of one that says nothing. */
async function contentOf(message: Message, readBlob: ReadBlob): Promise<string | ContentPart[]> {
  const files = message.parts.filter(({ type }) => type === 'file');
  if (files.length === 0) return message.content;
  const parts = await Promise.all(files.map((part) => fileContent(part, readBlob)));
  const text: ContentPart[] =
    message.content === '' ? [] : [{ type: 'text', text: message.content }];
  const all = [...parts.flat(), ...text];
  // Only a person's messages may have parts.
  if (message.role === 'user') return all;
  return all.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n');
}

async function fileContent(part: MessagePart, readBlob: ReadBlob): Promise<ContentPart[]> {
  const {
    url,
    mediaType = '',
    filename = 'file',
  } = part as {
    url?: unknown;
    mediaType?: string;
    filename?: string;
  };
  if (typeof url !== 'string') return [];
  const blob = url.startsWith('conversation-store:') ? await readBlob(url) : undefined;
  if (mediaType.startsWith('image/')) {
    const data = blob ? await dataUrl(blob) : url;
    return /^(?:data|https?):/.test(data) ? [{ type: 'image_url', image_url: { url: data } }] : [];
  }
  const isText = /^text\/|json|xml|javascript|yaml/.test(mediaType);
  if (blob && isText && blob.size <= TEXT_FILE) {
    return [{ type: 'text', text: `${filename}:\n\n${await blob.text()}` }];
  }
  return [{ type: 'text', text: `[${filename}]` }];
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** A title in what a model said, without what it puts around it. */
function titleIn(said: string): string | undefined {
  const plain = said.replace(/<think>[\s\S]*?(?:<\/think>|$)/, '').trim();
  const [line = ''] = plain.split('\n', 1);
  const title = line
    .replace(/^[#*\s"'“”‘’「『]+|[*\s"'“”‘’」』.]+$/g, '')
    .replace(/^(?:title|제목)\s*[:：]\s*/i, '');
  return title === '' || title.length > 200 ? undefined : title;
}

/** What an answer that is an error says, as it says it. */
function saidIn(text: string): string {
  try {
    const { error, message, detail } = JSON.parse(text) as Record<string, unknown>;
    return saidBy(error ?? message ?? detail ?? text);
  } catch {
    return text.trim().slice(0, 500);
  }
}

function saidBy(error: unknown): string {
  if (typeof error === 'string') return error;
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : JSON.stringify(error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
