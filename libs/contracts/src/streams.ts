/**
 * The streams and buckets of the bus, as data. Everything that can grow is bounded here: at the
 * bound VIRT_STATE refuses a write (and its hosts become `gap` until it takes writes again),
 * VIRT_EVENTS and VIRT_STATS drop their oldest message, and a bucket refuses.
 */
import { subjects } from './subjects.ts';

export type StreamSpec = {
  name: string;
  subjects: string[];
  storage: 'file' | 'memory';
  maxMessagesPerSubject: number;
  maxAgeMs: number;
  maxBytes: number;
  discard: 'old' | 'new';
  /** How long the broker remembers a `Nats-Msg-Id`. */
  duplicateWindowMs: number;
};

const GiB = 2 ** 30;
const MiB = 2 ** 20;

export const stateStream = {
  name: 'VIRT_STATE',
  subjects: [subjects.stateOfAll],
  storage: 'file',
  maxMessagesPerSubject: 1,
  maxAgeMs: 0,
  maxBytes: 4 * GiB,
  discard: 'new',
  duplicateWindowMs: 120_000,
} as const satisfies StreamSpec;

export const eventsStream = {
  name: 'VIRT_EVENTS',
  subjects: [subjects.eventsOfAll],
  storage: 'file',
  maxMessagesPerSubject: -1,
  maxAgeMs: 24 * 3_600_000,
  maxBytes: 4 * GiB,
  discard: 'old',
  duplicateWindowMs: 120_000,
} as const satisfies StreamSpec;

export const statsStream = {
  name: 'VIRT_STATS',
  subjects: [subjects.statsOfAll],
  storage: 'memory',
  maxMessagesPerSubject: 1,
  maxAgeMs: 600_000,
  maxBytes: 512 * MiB,
  discard: 'old',
  duplicateWindowMs: 1_000,
} as const satisfies StreamSpec;

export const streams: readonly StreamSpec[] = [stateStream, eventsStream, statsStream];

export type BucketSpec = { name: string; maxBytes: number; ttlMs: number };

/** Each domain's XML under its SHA-256, packed by gzip; whoever still uses one stores it again. */
export const xmlBucket = {
  name: 'virt_xml',
  maxBytes: GiB,
  ttlMs: 7 * 24 * 3_600_000,
} as const satisfies BucketSpec;

export const buckets = {
  hosts: 'virt_hosts',
  epochs: 'virt_epochs',
  xml: xmlBucket.name,
} as const;

export const bucketSpecs: readonly BucketSpec[] = [
  { name: buckets.hosts, maxBytes: 64 * MiB, ttlMs: 0 },
  { name: buckets.epochs, maxBytes: 64 * MiB, ttlMs: 0 },
  xmlBucket,
];
