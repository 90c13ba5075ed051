// Stands for a server: answers offline, and asks before it uses its tool.
import { simulateReadableStream, type UIMessage, type UIMessageChunk } from 'ai';

export function answer(messages: UIMessage[]) {
  return simulateReadableStream({ chunks: chunks(messages.at(-1)?.parts.at(-1)) });
}

function chunks(last?: UIMessage['parts'][number]): UIMessageChunk[] {
  const id = crypto.randomUUID();
  if (last?.type === 'dynamic-tool') {
    const { toolCallId, approval } = last;
    if (!approval?.approved) return [{ type: 'tool-output-denied', toolCallId }];
    return [{ type: 'tool-output-available', toolCallId, output: 'erased', dynamic: true }];
  }
  const said = last?.type === 'text' ? last.text : '';
  if (said.startsWith('erase ')) {
    const call = { toolCallId: id, toolName: 'erase', input: said.slice(6), dynamic: true };
    const asking = { toolCallId: id, approvalId: id };
    return [
      { type: 'tool-input-available', ...call },
      { type: 'tool-approval-request', ...asking },
    ];
  }
  const delta = `You said: ${said}`;
  return [
    { type: 'text-start', id },
    { type: 'text-delta', id, delta },
    { type: 'text-end', id },
  ];
}
