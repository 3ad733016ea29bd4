import type { NatsConnection } from '@nats-io/nats-core';
import { buckets } from '@virtscope/contracts';
import { bucketStream } from './bus.ts';
import { followStream, type FeedHands, type StreamFeedEvent } from './stream-feed.ts';

/** An entry of a bucket, as the feeds tell it. */
export type BucketEntry = {
  seq: number;
  /** As it is told to people: the subject under which the bucket keeps it. */
  subject: string;
  key: string;
  /** null when the key was deleted or purged. */
  data: Uint8Array | null;
};

export type BucketFeedEvent =
  | ({ type: 'entry' } & BucketEntry)
  | Exclude<StreamFeedEvent, { type: 'message' }>;

const checkMs = 2_000;

/** Follows `virt_hosts`: the hosts wanted, and the marks of their inventories. */
export function followHosts(
  nc: NatsConnection,
  hands: FeedHands,
  on: (event: BucketFeedEvent) => void,
): Promise<void> {
  return followBucket(nc, buckets.hosts, hands, on);
}

/** Follows `virt_epochs`. */
export function followEpochs(
  nc: NatsConnection,
  hands: FeedHands,
  on: (event: BucketFeedEvent) => void,
): Promise<void> {
  return followBucket(nc, buckets.epochs, hands, on);
}

function followBucket(
  nc: NatsConnection,
  bucket: string,
  hands: FeedHands,
  on: (event: BucketFeedEvent) => void,
): Promise<void> {
  const prefix = `$KV.${bucket}.`;
  const options = { ...hands, stream: bucketStream(bucket), filter: `${prefix}>`, checkMs };
  return followStream(nc, options, (event) => {
    if (event.type !== 'message') {
      on(event);
      return;
    }
    const { seq, subject, headers } = event;
    const operation = headers?.get('KV-Operation') ?? '';
    const data = operation === 'DEL' || operation === 'PURGE' ? null : event.data;
    on({ type: 'entry', seq, subject, key: subject.slice(prefix.length), data });
  });
}
