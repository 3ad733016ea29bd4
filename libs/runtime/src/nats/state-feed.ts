import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { buckets, stateStream, subjects, timelineKey, type HostId } from '@virtscope/contracts';
import { absent, bucketStream } from './bus.ts';
import { readLast } from './state-writer.ts';
import { readSubjects, type LastMessage } from './read-subjects.ts';
import { followStream, type FeedHands, type StreamFeedEvent } from './stream-feed.ts';
import { timelineOf } from './timeline.ts';

/** The end of VIRT_STATE is asked for this often: a view that lags must know it. */
const checkMs = 1_000;

/**
 * Follows VIRT_STATE. It is another stream when its creation time changed or the `timeline` of
 * `virt_epochs` was raised (bus rule 4): then it is told from the start.
 */
export function followState(
  nc: NatsConnection,
  hands: FeedHands,
  on: (event: StreamFeedEvent) => void,
): Promise<void> {
  const { name: stream } = stateStream;
  return followStream(
    nc,
    {
      ...hands,
      stream,
      filter: subjects.stateOfAll,
      checkMs,
      readTimeline: () => readTimeline(nc),
    },
    on,
  );
}

/** 0 while nobody raised one, or there is no bucket. */
async function readTimeline(nc: NatsConnection): Promise<number> {
  const subject = `$KV.${buckets.epochs}.${timelineKey}`;
  const stream = bucketStream(buckets.epochs);
  try {
    const last = await readLast(nc, subject, stream);
    return last === undefined ? 0 : timelineOf(last.data);
  } catch (error) {
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    if ((await jsm.streams.info(stream).catch(absent)) === undefined) return 0;
    throw error;
  }
}

/**
 * Every subject of one host's state, beside the feed: what lies there after the stream ended at
 * `asOf`.
 *
 * @throws what `readSubjects` throws
 */
export async function readStateOfHost(
  nc: NatsConnection,
  host: HostId,
  signal: AbortSignal,
): Promise<{ asOf: number; messages: LastMessage[] }> {
  const { name: stream } = stateStream;
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const { state } = await jsm.streams.info(stream);
  const messages = await readSubjects(nc, { stream, filter: subjects.stateOfHost(host), signal });
  return { asOf: state.last_seq, messages };
}
