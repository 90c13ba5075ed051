// The parts of a message as they are shown: one view for each kind. Knows no store: what a part refers
// to is read by whoever shows it.

import type { MessagePart, Role } from 'conversation-store';
import { FilePart } from './file.ts';
import { MarkdownText } from './markdown-text.ts';
import { OtherPart, SourcePart } from './other.ts';
import { ReasoningPart } from './reasoning.ts';
import { ToolPart } from './tool.ts';
import { WrittenText } from './written-text.ts';

export interface PartView {
  readonly element: HTMLElement;
  /** Shows the part as it is now. @param growing Whether more of it is to come. */
  update(part: MessagePart, growing: boolean): void;
}

export interface PartContext {
  role: Role;
  /** Reads an attachment. */
  readBlob: (ref: string) => Promise<Blob | undefined>;
}

/** What decides which view a part has. */
export type PartKind =
  | 'markdown'
  | 'written'
  | 'reasoning'
  | 'tool'
  | 'file'
  | 'source'
  | 'other'
  | 'nothing';

export function kindOf({ type, text }: MessagePart, role: Role): PartKind {
  if (type === 'text')
    return text === '' ? 'nothing' : role === 'assistant' ? 'markdown' : 'written';
  if (type === 'reasoning') return text === '' ? 'nothing' : 'reasoning';
  if (type === 'dynamic-tool' || type.startsWith('tool-')) return 'tool';
  if (type === 'file' || type === 'data-attachment' || type === 'data-file') return 'file';
  if (type === 'source-url') return 'source';
  return type === 'step-start' ? 'nothing' : 'other';
}

export function partView(
  kind: Exclude<PartKind, 'nothing'>,
  part: MessagePart,
  growing: boolean,
  { readBlob }: PartContext,
): PartView {
  switch (kind) {
    case 'markdown':
      return new MarkdownText(String(part.text), growing);
    case 'written':
      return new WrittenText(String(part.text));
    case 'reasoning':
      return new ReasoningPart(String(part.text), growing);
    case 'tool':
      return new ToolPart(part);
    case 'file':
      return new FilePart(part, readBlob);
    case 'source':
      return new SourcePart(part);
    case 'other':
      return new OtherPart(part);
  }
}
