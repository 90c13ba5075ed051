/**
 * A model's endpoint on loopback that says what a test has it say, and remembers what it was asked.
 * Answers any page, unless it is told not to.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  method: string;
  path: string;
  authorization: string | undefined;
  cookie: string | undefined;
  referer: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks into.
  body: any;
}

/** How a question is answered. */
export interface Answering {
  /** Sends a chunk as an event. */
  event: (chunk: object | '[DONE]') => void;
  /** Sends text as a model does. */
  say: (text: string) => void;
  /** Ends the answer as a model does. */
  end: (usage?: object) => void;
  /** Breaks the connection. */
  cut: () => void;
  /** Resolves when the page has gone. */
  gone: Promise<void>;
  asked: Asked;
}

export class FakeOpenAi {
  readonly asked: Asked[] = [];
  models = ['small', 'large'];
  allowsPages = true;
  /** Answers a question that is streamed; by default with its own last words. */
  answer: (answering: Answering) => void | Promise<void> = ({ asked, say, end }) => {
    const { content } = asked.body.messages.at(-1);
    say(`You said: ${typeof content === 'string' ? content : JSON.stringify(content)}`);
    end({ prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 });
  };
  /** Answers in the place of everything else. */
  refuse: { status: number; body: string; type?: string } | undefined;
  /** What it says when it is asked for a title. */
  title = 'A fitting title';
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<FakeOpenAi> {
    const fake = new FakeOpenAi();
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  get host(): string {
    return new URL(this.url).host;
  }

  /** What was asked to be streamed, the preflight of a browser left out. */
  get questions(): Asked[] {
    return this.asked.filter(({ body }) => body?.stream === true);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.allowsPages) {
      response.setHeader('Access-Control-Allow-Origin', request.headers.origin ?? '*');
      response.setHeader('Access-Control-Allow-Headers', 'authorization, content-type');
    }
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
      return;
    }
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const text = Buffer.concat(pieces).toString();
    const { authorization, cookie, referer } = request.headers;
    const asked: Asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      authorization,
      cookie,
      referer,
      body: text === '' ? undefined : JSON.parse(text),
    };
    this.asked.push(asked);
    if (this.refuse) {
      const { status, body, type = 'application/json' } = this.refuse;
      response.writeHead(status, { 'Content-Type': type }).end(body);
    } else if (asked.path === '/v1/models') {
      json(response, { data: this.models.map((id) => ({ id })) });
    } else if (asked.body?.stream === true) {
      await this.#stream(response, asked);
    } else {
      json(response, { choices: [{ message: { role: 'assistant', content: this.title } }] });
    }
  }

  async #stream(response: ServerResponse, asked: Asked): Promise<void> {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.flushHeaders();
    const event = (chunk: object | '[DONE]') => {
      response.write(`data: ${typeof chunk === 'string' ? chunk : JSON.stringify(chunk)}\n\n`);
    };
    await this.answer({
      asked,
      event,
      say: (text) => event({ model: 'small-1', choices: [{ delta: { content: text } }] }),
      end: (usage) => {
        event({ choices: [{ delta: {}, finish_reason: 'stop' }] });
        if (usage) event({ choices: [], usage });
        event('[DONE]');
        response.end();
      },
      cut: () => response.destroy(),
      gone: new Promise((resolve) => response.on('close', () => resolve())),
    });
  }
}

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
