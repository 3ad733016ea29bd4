/** The frames of a watch: server-sent events, each with JSON as its data. */
import { z } from 'zod';
import { hostIdSchema, uuidSchema } from '../host-id.ts';
import { selectedDomainSchema } from './domain.ts';
import { fieldsParameter, filterParameters } from './parameters.ts';
import { trustReasonSchema, trustSchema } from './trust.ts';

export const watchQuerySchema = z.strictObject({
  ...filterParameters,
  fields: fieldsParameter,
  resume: z.string().min(1).max(256).optional().meta({
    description:
      'the revision of the last frame: only what changed since comes, as upsert and leave. `Last-Event-ID` says the same',
  }),
});

export const watchFrameKinds = [
  /** A domain that is there as the watch begins. */
  'present',
  /** All that was there has been told; from here the watch is exact. */
  'synced',
  /** It came into the filter, changed in it, left it. */
  'enter',
  'modify',
  'leave',
  /** Of a resumed watch: its newest form, whether the watcher knew it or not. */
  'upsert',
  /** The trust of a host changed. */
  'host',
  /** Nothing happened; all up to this revision was told. */
  'bookmark',
  /** The watcher was slow: what follows is upsert and leave, until the next `synced`. */
  'coalesced',
  /** Forget everything: `present` frames follow. */
  'reset',
  /** The last frame: `detail` says why and what to do. */
  'gone',
] as const;
export type WatchFrameKind = (typeof watchFrameKinds)[number];

export const watchedDomainSchema = selectedDomainSchema.meta({ id: 'WatchedDomain' });

export const watchLeaveSchema = z
  .object({ host: hostIdSchema, uuid: uuidSchema })
  .meta({ id: 'WatchLeave' });

export const watchHostSchema = z
  .object({
    host: hostIdSchema,
    trust: trustSchema,
    trustReason: trustReasonSchema.optional(),
    verifiedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'WatchHost' });

export const watchMarkSchema = z
  .object({ revision: z.string(), detail: z.string().optional() })
  .meta({ id: 'WatchMark' });
