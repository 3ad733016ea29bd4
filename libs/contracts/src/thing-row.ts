import { z } from 'zod';
import { tombstoneReasons } from './domain-row.ts';
import { epochSchema, positionSchema } from './epoch.ts';
import { hostIdSchema, uuidSchema } from './host-id.ts';

/** What a host has besides its domains, of which libvirt tells. */
export const thingRowTypes = ['network', 'pool', 'nodedev', 'secret'] as const;
export type ThingRowType = (typeof thingRowTypes)[number];

/** The longest id: libvirt's node devices have names of some dozen characters. */
export const maxThingIdLength = 256;

/** A thing on its host: by UUID, a node device by its name, which is all that it has. */
export const thingIdSchema = z.object({
  type: z.enum(thingRowTypes),
  id: z.string().min(1).max(maxThingIdLength),
});
export type ThingId = z.infer<typeof thingIdSchema>;

/** A virtual network. */
export const networkFactsSchema = z.object({
  bridge: z.string().max(256).optional(),
  /** `nat`, `route`, `bridge` …; absent for an isolated network. */
  forward: z.string().max(64).optional(),
  /** The host's own, with their prefix: `192.168.122.1/24`. */
  addresses: z.array(z.string().max(64)).max(64).optional(),
});
export type NetworkFacts = z.infer<typeof networkFactsSchema>;

/** A storage pool. Sizes are those of its last refresh: volumes come and go without an event. */
export const poolFactsSchema = z.object({
  /** `dir`, `logical`, `rbd` … */
  backend: z.string().max(64).optional(),
  /** `inactive`, `building`, `running`, `degraded` or `inaccessible`. */
  state: z.string().max(64).optional(),
  capacityBytes: z.number().min(0).optional(),
  allocationBytes: z.number().min(0).optional(),
  availableBytes: z.number().min(0).optional(),
  path: z.string().max(4096).optional(),
  sourceHosts: z.array(z.string().max(256)).max(64).optional(),
  /** The source's name, directory or device, the first that there is. */
  source: z.string().max(4096).optional(),
});
export type PoolFacts = z.infer<typeof poolFactsSchema>;

/** A device of the host. */
export const nodedevFactsSchema = z.object({
  parent: z.string().max(256).optional(),
  driver: z.string().max(256).optional(),
  path: z.string().max(4096).optional(),
  /** `pci`, `net`, `storage` …, the nested ones too. */
  capabilities: z.array(z.string().max(64)).max(64).optional(),
  vendor: z.string().max(256).optional(),
  product: z.string().max(256).optional(),
  interface: z.string().max(256).optional(),
});
export type NodedevFacts = z.infer<typeof nodedevFactsSchema>;

/** A secret: what it is for, never its value. */
export const secretFactsSchema = z.object({
  usage: z.string().max(64).optional(),
  usageId: z.string().max(4096).optional(),
  ephemeral: z.boolean().optional(),
  private: z.boolean().optional(),
  description: z.string().max(4096).optional(),
});
export type SecretFacts = z.infer<typeof secretFactsSchema>;

/** What libvirt says of a thing in its XML. `observedAt` is when the call that read it began. */
export const thingConfigSchema = z.object({
  observedAt: z.iso.datetime(),
  /** SHA-256 of the XML, in hexadecimal digits. */
  xmlHash: z.string().max(64),
  network: networkFactsSchema.optional(),
  pool: poolFactsSchema.optional(),
  nodedev: nodedevFactsSchema.optional(),
  secret: secretFactsSchema.optional(),
  /** Facts that did not fit their bounds, by name: nothing is cut in silence. */
  omitted: z.array(z.string().max(64)).max(16).optional(),
});
export type ThingConfig = z.infer<typeof thingConfigSchema>;

const written = {
  v: z.literal(1),
  ...thingIdSchema.shape,
  host: hostIdSchema,
  /** Absent for node devices. */
  uuid: uuidSchema.optional(),
  /** The session that wrote it, and the newest event of its feed that the row includes. */
  epoch: epochSchema,
  seq: z.int().min(0),
  /** A secret's is its usage; empty where libvirt gives none. */
  name: z.string().max(4096),
  /** This thing's newest event: the next one names it as its `prev`. */
  lastEvent: positionSchema.optional(),
};

/**
 * A thing that is there. The bounds of its fields keep a row far below `maxRowBytes`, so that none
 * is ever cut.
 */
export const thingPresenceSchema = z.object({
  ...written,
  /** Null for what is neither: secrets. */
  active: z.boolean().nullable(),
  /** Null where it is not known, or means nothing: node devices. */
  persistent: z.boolean().nullable(),
  autostart: z.boolean().nullable(),
  /** `event`: libvirt sent word that was not confirmed by a read yet. */
  stateFrom: z.enum(['read', 'event']),
  /** When the call that read the state began, by the writer's clock. */
  stateObservedAt: z.iso.datetime(),
  /** Absent until it was read once. */
  config: thingConfigSchema.optional(),
});
export type ThingPresence = z.infer<typeof thingPresenceSchema>;

/** The explicit end of a thing's row, as that of a domain's. */
export const thingTombstoneSchema = z.object({
  ...written,
  tombstone: z.object({ reason: z.enum(tombstoneReasons), at: z.iso.datetime() }),
});
export type ThingTombstone = z.infer<typeof thingTombstoneSchema>;

export type ThingRow = ThingPresence | ThingTombstone;

export function isThingTombstone(row: ThingRow): row is ThingTombstone {
  return 'tombstone' in row;
}

/** On `virt.v1.state.<host>.<type>.<id>`. */
export const thingRowSchema = z.union([thingTombstoneSchema, thingPresenceSchema]);
