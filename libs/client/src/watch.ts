/** A watch that goes on: over a lost connection, at another replica, after a restart. */
import {
  problemTypes,
  watchFrameKinds,
  watchHostSchema,
  watchLeaveSchema,
  watchMarkSchema,
  watchedDomainSchema,
} from '@virtscope/contracts';
import type { z } from 'zod';
import { ProblemError } from './errors.ts';
import { isRetried, type Query, type Requests } from './requests.ts';
import { SseParser, type SseEvent } from './sse.ts';

type Domain = z.infer<typeof watchedDomainSchema>;

export type WatchEvent =
  | { kind: 'present' | 'enter' | 'modify' | 'upsert'; domain: Domain; revision?: string }
  | { kind: 'leave'; host: string; uuid: string; revision?: string }
  | ({ kind: 'host'; revision?: string } & z.infer<typeof watchHostSchema>)
  /** Forget what was built: everything is told anew. */
  | { kind: 'reset' }
  | { kind: 'synced' | 'bookmark' | 'coalesced'; revision: string };

export type WatchOptions = {
  filter?: string;
  host?: string;
  state?: string;
  name?: string;
  uuid?: string;
  fields?: string;
  /** The revision of the last event of an earlier watch. */
  resume?: string;
  signal?: AbortSignal;
  /** A silence that ends a connection: bookmarks come every 5 s. */
  silenceMs?: number;
};

/**
 * Follows a watch until `signal` aborts. A lost connection is resumed at the last revision; where
 * that cannot be, `reset` comes first and then everything.
 *
 * @throws {ProblemError} the watch cannot be meant
 */
export async function* follow(
  requests: Requests,
  { signal, silenceMs = 15_000, resume, ...query }: WatchOptions,
): AsyncGenerator<WatchEvent> {
  const place: Place = { revision: resume, begun: resume !== undefined };
  for (let attempt = 0; signal?.aborted !== true; attempt++) {
    let failure: unknown;
    try {
      for await (const event of connection(requests, query, place, { signal, silenceMs })) {
        attempt = 0;
        yield event;
      }
    } catch (error) {
      if (aborted(signal)) return;
      failure = error;
      if (isTooOld(error)) place.revision = undefined;
      else if (!isRetried(error)) throw error;
    }
    if (aborted(signal)) return;
    await requests.pause(attempt, failure, signal).catch(() => undefined);
  }
}

/** `begun`: something was told, which a watch from the start takes back. */
type Place = { revision: string | undefined; begun: boolean };

async function* connection(
  requests: Requests,
  query: Query,
  place: Place,
  { signal, silenceMs }: { signal: AbortSignal | undefined; silenceMs: number },
): AsyncGenerator<WatchEvent> {
  const silence = new AbortController();
  const within = signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]);
  let timer = setTimeout(() => silence.abort(), silenceMs);
  try {
    const headers = { accept: 'text/event-stream' };
    const { body } = await requests.open(
      '/v1/watch',
      { ...query, resume: place.revision },
      headers,
      within,
    );
    if (body === null) return;
    if (place.revision === undefined && place.begun) yield { kind: 'reset' };
    place.begun = true;
    const parser = new SseParser();
    for await (const bytes of body as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMs);
      for (const each of parser.push(bytes)) {
        if (each.event === 'gone') return;
        const event = read(each);
        if (event === undefined) continue;
        // What comes until the next revision is told from the start: so is it resumed.
        if (event.kind === 'reset') place.revision = undefined;
        if (each.id !== undefined) place.revision = each.id;
        yield event;
      }
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

function read({ event, data, id }: SseEvent): WatchEvent | undefined {
  const kind = watchFrameKinds.find((each) => each === event);
  const body: unknown = JSON.parse(data);
  const at = id === undefined ? {} : { revision: id };
  switch (kind) {
    case 'present':
    case 'enter':
    case 'modify':
    case 'upsert':
      return { kind, domain: watchedDomainSchema.parse(body), ...at };
    case 'leave':
      return { kind, ...watchLeaveSchema.parse(body), ...at };
    case 'host':
      return { kind, ...watchHostSchema.parse(body), ...at };
    case 'synced':
    case 'bookmark':
    case 'coalesced':
      return { kind, revision: watchMarkSchema.parse(body).revision };
    case 'reset':
      return { kind };
    case 'gone':
    case undefined:
      return undefined; // of a newer server
  }
}

function isTooOld(error: unknown): boolean {
  return error instanceof ProblemError && error.problem.type === problemTypes.foreignToken;
}

function aborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
