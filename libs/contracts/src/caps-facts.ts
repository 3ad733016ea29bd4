/**
 * What a host's capabilities document does not tell and a probe does: which CPU models its CPU can
 * be, and what domains of an emulator can have.
 */
import { z } from 'zod';
import { capsRefusalSchema } from './caps.ts';
import { hostIdSchema } from './host-id.ts';
import { encodeToken } from './token.ts';

const name = z.string().max(256);
const names = z.array(name).max(4096);

/** An emulator, as libvirt's getDomainCapabilities takes it; what is left out is the host's default. */
export const emulatorChoiceSchema = z.strictObject({
  arch: z.string().min(1).max(64).optional(),
  /** `q35`, `pc-q35-7.2`. */
  machine: z.string().min(1).max(128).optional(),
  /** `kvm`, `qemu`. */
  virtType: z.string().min(1).max(64).optional(),
  /** Path of the emulator. */
  emulator: z.string().min(1).max(4096).optional(),
});
export type EmulatorChoice = z.infer<typeof emulatorChoiceSchema>;

/** The body of a request on `virt.v1.caps.fact.<host>`. */
export const factQuestionSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('cpu-models') }),
  z.object({ type: z.literal('domain'), emulator: emulatorChoiceSchema }),
]);
export type FactQuestion = z.infer<typeof factQuestionSchema>;

/** Names a question, for keys and indexes: equal questions have equal keys. */
export function factKey(question: FactQuestion): string {
  if (question.type === 'cpu-models') return 'cpu-models';
  const { arch = '', virtType = '', machine = '', emulator = '' } = question.emulator;
  return ['domain', arch, virtType, machine, emulator].map(encodeToken).join('.');
}

/** Which of libvirt's CPU models the host's CPU has all features of, by libvirt's own compare. */
export const cpuModelsSchema = z.object({
  v: z.literal(1),
  type: z.literal('cpu-models'),
  arch: name,
  models: z.array(z.object({ name, usable: z.boolean() })).max(8192),
});
export type CpuModels = z.infer<typeof cpuModelsSchema>;

/** Something that a domain may have: whether, and the values of each of its settings. */
const offerSchema = z.object({
  supported: z.boolean(),
  /** `model` → `tpm-tis`, `tpm-crb`. */
  enums: z.record(name, names).optional(),
  /** Numbers and texts that it states, such as SEV's `maxGuests`. */
  facts: z.record(name, z.string().max(1024)).optional(),
});

/** libvirt's domainCapabilities, normalised: equal emulators have equal documents. */
export const domainCapabilitiesSchema = z
  .object({
    v: z.literal(1),
    type: z.literal('domain'),
    emulator: z.string().max(4096).optional(),
    arch: name,
    machine: name.optional(),
    virtType: name,
    maxVcpus: z.int().min(0).optional(),
    os: z.object({
      supported: z.boolean(),
      /** `bios`, `efi`: what libvirt can choose by itself. */
      firmware: names,
      /** `type`, `readonly`, `secure` of a loader. */
      loader: z.record(name, names),
    }),
    cpu: z.object({
      /** `host-passthrough`, `host-model`, `maximum`, `custom`. */
      modes: names,
      /** What `host-model` is here. */
      hostModel: z
        .object({
          model: name.optional(),
          vendor: name.optional(),
          features: z.array(z.object({ name, policy: name })).max(4096),
        })
        .optional(),
      models: z
        .array(
          z.object({
            name,
            /** `unknown`: the emulator does not tell. */
            usable: z.enum(['yes', 'no', 'unknown']),
            deprecated: z.boolean().optional(),
            vendor: name.optional(),
            /** Features that the host lacks for it. */
            blockers: names.optional(),
          }),
        )
        .max(8192),
    }),
    memoryBacking: offerSchema.optional(),
    /** `disk`, `tpm`, `hostdev`, ... */
    devices: z.record(name, offerSchema),
    /** `sev`, `tdx`, `sgx`, `hyperv`, `vmcoreinfo`, ... */
    features: z.record(name, offerSchema),
  })
  .meta({ id: 'DomainCapabilities' });
export type DomainCapabilities = z.infer<typeof domainCapabilitiesSchema>;

export const factDocumentSchema = z.discriminatedUnion('type', [
  cpuModelsSchema,
  domainCapabilitiesSchema,
]);
export type FactDocument = z.infer<typeof factDocumentSchema>;

/** `confirmed` by this host's own probe; `inferred` from another host of the same kind. */
const standing = z.enum(['confirmed', 'inferred']);

/** The answer on `virt.v1.caps.fact.<host>`. */
export const factReplySchema = z.discriminatedUnion('ok', [
  z.object({
    v: z.literal(1),
    ok: z.literal(true),
    host: hostIdSchema,
    /** What its host was when it was read: equal kinds have equal answers until one confirms another. */
    kind: z.string().max(64),
    /** SHA-256 of the document. */
    hash: z.string().max(64),
    standing,
    observedAt: z.iso.datetime(),
    document: factDocumentSchema,
  }),
  z.object({
    v: z.literal(1),
    ok: z.literal(false),
    host: z.string().max(256),
    /**
     * `unknown`: nobody has asked before; a probe is on its way. `refused`: libvirt says that there
     * is no such thing on this host. `switched-off`: by configuration.
     */
    code: z.enum([
      'unknown',
      'refused',
      'switched-off',
      'unavailable',
      'unknown-host',
      'bad-request',
    ]),
    message: z.string().max(4096),
    retryAfterMs: z.number().min(0).optional(),
  }),
]);
export type FactReply = z.infer<typeof factReplySchema>;

/** How many of its documents are remembered of a host. */
export const maxCapsHistory = 20;

/** What a host was, from when it was first read so. */
export const capsHistoryEntrySchema = z.object({
  hash: z.string().max(64),
  driver: z.string().max(64),
  libvirtVersion: z.int().min(0),
  hypervisorVersion: z.int().min(0),
  observedAt: z.iso.datetime(),
});
export type CapsHistoryEntry = z.infer<typeof capsHistoryEntrySchema>;

/** The answer on `virt.v1.caps.history.<host>`: the newest first, one for each change. */
export const capsHistoryReplySchema = z.discriminatedUnion('ok', [
  z.object({
    v: z.literal(1),
    ok: z.literal(true),
    host: hostIdSchema,
    history: z.array(capsHistoryEntrySchema).max(maxCapsHistory + 1),
  }),
  capsRefusalSchema,
]);
export type CapsHistoryReply = z.infer<typeof capsHistoryReplySchema>;

/** How many hosts one message of an index may name. */
export const maxIndexHosts = 1_000;

/** One message of a replica's answer on `virt.v1.caps.index`: what it knows of its hosts. */
export const capsIndexSchema = z.object({
  v: z.literal(1),
  replica: z.string().max(256),
  /** Messages of this answer that follow. */
  more: z.int().min(0),
  hosts: z
    .array(
      z.object({
        host: hostIdSchema,
        /** SHA-256 of its capabilities document. */
        hash: z.string().max(64),
        kind: z.string().max(64),
        standing,
        observedAt: z.iso.datetime(),
        libvirtVersion: z.int().min(0),
        hypervisorVersion: z.int().min(0),
        /** A probe of its own brought something else than its kind's: it is asked for by itself. */
        differs: z.literal(true).optional(),
      }),
    )
    .max(maxIndexHosts),
});
export type CapsIndex = z.infer<typeof capsIndexSchema>;

/** The body of a request on `virt.v1.caps.common-cpu`. */
export const commonCpuQuestionSchema = z.object({
  hosts: z.array(hostIdSchema).min(1).max(256),
});

/** Its answer: the best CPU, as libvirt's baseline has it, that all the hosts can be. */
export const commonCpuReplySchema = z.discriminatedUnion('ok', [
  z.object({
    v: z.literal(1),
    ok: z.literal(true),
    hosts: z.array(hostIdSchema).max(256),
    model: name.optional(),
    vendor: name.optional(),
    features: z.array(z.object({ name, policy: name })).max(4096),
    /** As libvirt wrote it, for a domain's `<cpu>`. */
    xml: z.string().max(262_144),
  }),
  z.object({
    v: z.literal(1),
    ok: z.literal(false),
    code: z.enum(['none', 'unavailable', 'unknown-host', 'bad-request']),
    message: z.string().max(4096),
    retryAfterMs: z.number().min(0).optional(),
  }),
]);
export type CommonCpuReply = z.infer<typeof commonCpuReplySchema>;
