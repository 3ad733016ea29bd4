import { z } from 'zod';
import { stateBriefSchema } from './domain-state.ts';
import { epochSchema, positionSchema } from './epoch.ts';
import { fleetHost, hostIdSchema, uuidSchema } from './host-id.ts';
import { subjects, writerRoles, type ThingType } from './subjects.ts';
import { thingIdSchema } from './thing-row.ts';
import { encodeToken } from './token.ts';

/** Lifecycle kinds by libvirt's virDomainEventType, in its order. */
export const lifecycleKinds = [
  'defined',
  'undefined',
  'started',
  'suspended',
  'resumed',
  'stopped',
  'shutdown',
  'pmsuspended',
  'crashed',
] as const;

/** Marks around a time that nobody watched: between them, only net effects are known. */
export const gapKind = 'gap';

/** What came of a burst of lifecycle events of one domain, once it was quiet for a while. */
export const settledKind = 'settled';

/** A domain's process is another one under the same id: found, never heard. */
export const restartedKind = 'restarted';

/** A domain's story is settled when nothing newer of it was heard for so long. */
export const settleMs = 15_000;

/** Of a host, by caps-cache: what it can run is not what it was (`payload.difference`). */
export const capabilitiesChangedKind = 'capabilities-changed';

/**
 * What is known of the fleet alone, under the host `_fleet`. Of a domain: it runs on two hosts that
 * are both live (`split-brain`), or on one that is and on one that nobody can reach (`ambiguous`);
 * of a host: it is the same daemon as another (`alias`), or may be believed more or less than before
 * (`trust`).
 */
export const fleetKinds = [
  'split-brain',
  'split-brain-cleared',
  'ambiguous',
  'ambiguous-cleared',
  'alias',
  'alias-cleared',
  'trust',
] as const;
export type FleetKind = (typeof fleetKinds)[number];

/** The data of an event on `virt.v1.event.<host>.<type>.<id>.<kind>`. */
export const eventDataSchema = z.object({
  v: z.literal(1),
  role: z.enum(writerRoles),
  host: z.union([hostIdSchema, z.literal(fleetHost)]),
  epoch: epochSchema,
  seq: z.int().min(1),
  /** The previous event of the same domain or thing; null when none is known. A proof that none was missed. */
  prev: positionSchema.nullable(),
  kind: z.string().min(1).max(64),
  /** When the event reached us, by the writer's clock: libvirt's events carry no time. */
  observedAt: z.iso.datetime(),
  /** The domain; an event of another thing has none, so that nobody takes it for a domain's. */
  uuid: uuidSchema.optional(),
  /** The network, storage pool, node device or secret. */
  thing: thingIdSchema.optional(),
  /** The host that an event of `_fleet` is about. */
  about: hostIdSchema.optional(),
  name: z.string().max(4096).optional(),
  /** libvirt's name of the detail, for lifecycle events; `migrated` of a settled one whose domain left. */
  detail: z.string().max(64).optional(),
  /** A net effect of an unwatched time, found by a sync: never heard. */
  synthesised: z.literal(true).optional(),
  before: stateBriefSchema.nullable().optional(),
  after: stateBriefSchema.nullable().optional(),
  /** For `gap`: its two ends. */
  phase: z.enum(['begin', 'end']).optional(),
  /** For `gap`: why nobody watched. */
  cause: z.string().max(4096).optional(),
  /** What other kinds carry. */
  payload: z.record(z.string().max(64), z.unknown()).optional(),
});
export type EventData = z.infer<typeof eventDataSchema>;

/** `Nats-Msg-Id` and `ce-id`: what a consumer dedupes by. */
export const eventId = (e: Pick<EventData, 'role' | 'host' | 'epoch' | 'seq'>): string =>
  `${e.role}:${e.host}:${e.epoch}:${e.seq}`;

/** Made once: to build a schema takes longer than to judge a thousand ids by it. */
const eventIdSchema = eventDataSchema.pick({ role: true, host: true, epoch: true, seq: true });

/** @returns undefined when `id` is no event's id */
export function parseEventId(id: string): z.infer<typeof eventIdSchema> | undefined {
  const [role, host, epoch, seq, ...rest] = id.split(':');
  const parsed = eventIdSchema.safeParse({ role, host, epoch: Number(epoch), seq: Number(seq) });
  return parsed.success && rest.length === 0 ? parsed.data : undefined;
}

/** What the event is about: the domain or thing that it names, else the host itself. */
export function eventAbout(e: EventData): { type: ThingType; id: string } {
  if (e.uuid !== undefined) return { type: 'domain', id: e.uuid };
  return e.thing ?? { type: 'host', id: e.about ?? e.host };
}

export function eventSubject(e: EventData): string {
  const { type, id } = eventAbout(e);
  return subjects.event(e.host, type, id, e.kind);
}

/** CloudEvents 1.0, binary mode over NATS: the attributes are headers, the data is the body. */
export function cloudEventHeaders(e: EventData): Record<string, string> {
  const { type, id } = eventAbout(e);
  return {
    'Nats-Msg-Id': eventId(e),
    'ce-specversion': '1.0',
    'ce-id': eventId(e),
    'ce-source': `/virtscope/${e.role}/hosts/${e.host}`,
    'ce-type': `virtscope.v1.${type}.${e.kind}`,
    'ce-time': e.observedAt,
    // A header holds ASCII alone; a token is, and stands for any name.
    ...(type === 'host' ? {} : { 'ce-subject': encodeToken(id) }),
    'content-type': 'application/json',
  };
}
