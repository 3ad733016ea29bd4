import {
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  jetstreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import { bucketSpecs, buckets, streams, type StreamSpec } from '@virtscope/contracts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';

/** How often a service asks again for a bus that is not whole. */
const retryMs = 500;

/** "stream not found", JetStream's error code. */
const streamNotFound = 10_059;

/**
 * Creates the streams and buckets that are missing; alters none that is there, and says what
 * differs. Safe to repeat. Waits, as long as it takes, for a server with JetStream.
 */
export async function ensureBus(
  nc: NatsConnection,
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  await untilDone({ clock, log, signal }, 'cannot prepare the bus', async () => {
    const jsm = await jetstreamManager(nc);
    for (const spec of streams) {
      const found = await jsm.streams.info(spec.name).catch(absent);
      if (found === undefined) {
        await jsm.streams.add(streamConfig(spec));
        log.info({ stream: spec.name }, 'created a stream');
      } else {
        const differing = differences(streamConfig(spec), found.config);
        if (differing.length > 0) {
          log.warn({ stream: spec.name, differing }, 'the stream differs from ours; left as it is');
        }
      }
    }
    const kvm = new Kvm(nc);
    for (const { name, maxBytes, ttlMs } of bucketSpecs) {
      await kvm.create(name, { history: 1, max_bytes: maxBytes, ttl: ttlMs });
    }
  });
}

/** Waits, as long as it takes, until the streams and buckets of the bus are there. */
export async function waitForBus(
  nc: NatsConnection,
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  await untilDone({ clock, log, signal }, 'the bus is not whole yet', async () => {
    const jsm = await jetstreamManager(nc);
    // Without the others an older event-bridge is there, and nobody has to wait for its successor.
    const needed = [buckets.hosts, buckets.epochs];
    const names = [...streams.map(({ name }) => name), ...needed.map(bucketStream)];
    for (const name of names) await jsm.streams.info(name);
  });
}

/** The stream behind a bucket. */
export const bucketStream = (bucket: string): string => `KV_${bucket}`;

/** Turns "stream not found" into undefined and throws everything else. */
export function absent(error: unknown): undefined {
  if (error instanceof JetStreamApiError && error.code === streamNotFound) return undefined;
  throw error;
}

async function untilDone(
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
  trouble: string,
  attempt: () => Promise<void>,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (tries % 20 === 0) log.warn({ err: error }, `${trouble}; trying again`);
      await clock.sleep(retryMs, signal);
    }
  }
}

const nanos = (ms: number): number => ms * 1_000_000;

function streamConfig(spec: StreamSpec): Partial<StreamConfig> & { name: string } {
  return {
    name: spec.name,
    subjects: spec.subjects,
    storage: spec.storage === 'file' ? StorageType.File : StorageType.Memory,
    retention: RetentionPolicy.Limits,
    max_msgs_per_subject: spec.maxMessagesPerSubject,
    max_age: nanos(spec.maxAgeMs),
    max_bytes: spec.maxBytes,
    discard: spec.discard === 'old' ? DiscardPolicy.Old : DiscardPolicy.New,
    duplicate_window: nanos(spec.duplicateWindowMs),
    allow_direct: true,
    num_replicas: 1,
  };
}

function differences(wanted: Partial<StreamConfig>, found: StreamConfig): string[] {
  const keys = Object.keys(wanted) as (keyof StreamConfig)[];
  return keys
    .filter((key) => key !== 'num_replicas')
    .filter((key) => JSON.stringify(wanted[key]) !== JSON.stringify(found[key]))
    .map(
      (key) => `${key}: ours ${JSON.stringify(wanted[key])}, theirs ${JSON.stringify(found[key])}`,
    );
}
