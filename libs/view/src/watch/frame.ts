/** Server-sent events as text. */
import type { WatchFrameKind } from '@virtscope/contracts';

/** @param data JSON: it has no line breaks of its own */
export function frame(kind: WatchFrameKind, data: string): string {
  return `event: ${kind}\ndata: ${data}\n\n`;
}

/** Whoever loses the connection behind this frame resumes at `revision`. */
export function marked(revision: string, text: string): string {
  return `id: ${revision}\n${text}`;
}

export function mark(kind: WatchFrameKind, revision: string, detail?: string): string {
  return frame(kind, JSON.stringify({ revision, ...(detail === undefined ? {} : { detail }) }));
}
