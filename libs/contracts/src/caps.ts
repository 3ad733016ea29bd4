import { z } from 'zod';
import { hostIdSchema } from './host-id.ts';

/** A machine type that an emulator offers. */
export const machineSchema = z.object({
  name: z.string().max(128),
  /** The versioned name that an alias such as `q35` stands for. */
  canonical: z.string().max(128).optional(),
  maxCpus: z.int().min(0).optional(),
  deprecated: z.boolean().optional(),
});

/** What a host can run for one architecture. */
export const guestSchema = z.object({
  osType: z.string().max(64),
  arch: z.string().max(64),
  wordSize: z.int().optional(),
  emulator: z.string().max(4096).optional(),
  machines: z.array(machineSchema).max(4096),
  /** `qemu`, `kvm`, ... */
  domainTypes: z.array(z.string().max(64)).max(64),
});

/**
 * A host's capabilities, normalised: equal hosts have equal documents, so one document in the
 * cache serves them all. The host's UUID, memory and cells stand apart, in {@link hostPartSchema}.
 */
export const capabilitiesSchema = z
  .object({
    v: z.literal(1),
    cpu: z.object({
      arch: z.string().max(64),
      model: z.string().max(128).optional(),
      vendor: z.string().max(128).optional(),
      microcode: z.string().max(64).optional(),
      topology: z
        .object({ sockets: z.int(), dies: z.int().optional(), cores: z.int(), threads: z.int() })
        .optional(),
      features: z.array(z.string().max(128)).max(4096),
    }),
    migrationTransports: z.array(z.string().max(64)).max(64),
    guests: z.array(guestSchema).max(256),
  })
  .meta({ id: 'Capabilities' });
export type Capabilities = z.infer<typeof capabilitiesSchema>;

export const hostPartSchema = z.object({
  hostUuid: z.string().max(64).optional(),
  cells: z.array(z.object({ id: z.int(), memoryKiB: z.number(), cpus: z.int().min(0) })).max(1024),
});
export type HostPart = z.infer<typeof hostPartSchema>;

/** Why there is no answer about a host: every question about one can end so. */
export const capsRefusalSchema = z.object({
  v: z.literal(1),
  ok: z.literal(false),
  host: z.string().max(256),
  code: z.enum(['unknown-host', 'unavailable', 'bad-request']),
  message: z.string().max(4096),
  retryAfterMs: z.number().min(0).optional(),
});
export type CapsRefusal = z.infer<typeof capsRefusalSchema>;

/** The answer of the NATS service on `virt.v1.caps.host.<host>`. */
export const capsReplySchema = z.discriminatedUnion('ok', [
  z.object({
    v: z.literal(1),
    ok: z.literal(true),
    host: hostIdSchema,
    /** SHA-256 of the normalised document. */
    hash: z.string().max(64),
    /** `confirmed` by this host's own probe; `inferred` from an equal fingerprint. */
    standing: z.enum(['confirmed', 'inferred']),
    /** Where the answer was found. `memory` while Redis is away. */
    source: z.enum(['redis', 'memory', 'libvirt']),
    /** When the call that read it began. */
    observedAt: z.iso.datetime(),
    document: capabilitiesSchema,
    hostPart: hostPartSchema,
  }),
  capsRefusalSchema,
]);
export type CapsReply = z.infer<typeof capsReplySchema>;
