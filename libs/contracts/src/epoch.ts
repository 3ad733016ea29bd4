import { z } from 'zod';
import type { HostId } from './host-id.ts';
import type { WriterRole } from './subjects.ts';

/** Above every wall-clock second of the next centuries; a larger one is no epoch of ours. */
const maxEpoch = 2 ** 47;

/** Orders the sessions of one (role, host). At least the wall clock's seconds when it began. */
export const epochSchema = z.int().min(1).max(maxEpoch);
export type Epoch = number;

/** Where in one host's feed of one role a message stands. */
export const positionSchema = z.object({ epoch: epochSchema, seq: z.int().min(0) });
export type Position = z.infer<typeof positionSchema>;

/** An entry of the bucket `virt_epochs`, under {@link epochKey}. */
export const epochEntrySchema = z.object({
  v: z.literal(1),
  epoch: epochSchema,
  /** The replica that took it: for people. */
  holder: z.string().max(256),
});
export type EpochEntry = z.infer<typeof epochEntrySchema>;

export const epochKey = (role: WriterRole, host: HostId): string => `${role}.${host}`;

/** The key in `virt_epochs` of the timeline, raised when a stream was lost or went back. */
export const timelineKey = 'timeline';

/** The entry under {@link timelineKey}; without one the timeline is 0. */
export const timelineEntrySchema = z.object({
  v: z.literal(1),
  timeline: z.int().min(0).max(maxEpoch),
});
export type TimelineEntry = z.infer<typeof timelineEntrySchema>;

export function isBefore(a: Position, b: Position): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.seq < b.seq);
}
