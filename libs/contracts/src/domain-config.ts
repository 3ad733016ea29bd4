import { z } from 'zod';
import {
  channelSchema,
  graphicsSchema,
  hostDeviceSchema,
  interfaceSchema,
  tpmSchema,
} from './domain-devices.ts';
import { diskSchema } from './domain-disk.ts';
import { labelsSchema } from './inventory.ts';

export const firmwareSchema = z.object({
  /** `efi` or `bios`, where libvirt was left to choose the image. */
  type: z.string().max(64).optional(),
  loader: z.string().max(4096).optional(),
  /** `rom` or `pflash`. */
  loaderType: z.string().max(64).optional(),
  readonly: z.boolean().optional(),
  secure: z.boolean().optional(),
  /** The domain's own store of variables, and what it was made from. */
  nvram: z.string().max(4096).optional(),
  nvramTemplate: z.string().max(4096).optional(),
  /** What the image must have or lack, as `secure-boot`. */
  features: z.record(z.string().max(64), z.boolean()).optional(),
});
export type Firmware = z.infer<typeof firmwareSchema>;

/** Where on the host the domain may run. A set of CPUs or nodes reads as libvirt's: `0-3,^2`. */
export const placementSchema = z.object({
  /** `static`, or `auto`: the set is numad's advice. */
  mode: z.string().max(64).optional(),
  cpuset: z.string().max(4096).optional(),
  vcpuPins: z
    .array(z.object({ vcpu: z.int().min(0), cpuset: z.string().max(4096) }))
    .max(4096)
    .optional(),
  emulatorCpuset: z.string().max(4096).optional(),
  numaMode: z.string().max(64).optional(),
  nodeset: z.string().max(4096).optional(),
});
export type Placement = z.infer<typeof placementSchema>;

const featureNamesSchema = z.array(z.string().max(64)).max(1024).optional();

export const cpuSchema = z.object({
  /** `custom`, `host-model`, `host-passthrough` or `maximum`. */
  mode: z.string().max(64).optional(),
  match: z.string().max(64).optional(),
  check: z.string().max(64).optional(),
  migratable: z.boolean().optional(),
  model: z.string().max(128).optional(),
  fallback: z.string().max(64).optional(),
  vendor: z.string().max(64).optional(),
  topology: z
    .object({
      sockets: z.int().min(0).optional(),
      dies: z.int().min(0).optional(),
      clusters: z.int().min(0).optional(),
      cores: z.int().min(0).optional(),
      threads: z.int().min(0).optional(),
    })
    .optional(),
  /** Names of features, by policy. */
  features: z
    .object({
      force: featureNamesSchema,
      require: featureNamesSchema,
      optional: featureNamesSchema,
      disable: featureNamesSchema,
      forbid: featureNamesSchema,
    })
    .optional(),
});
export type Cpu = z.infer<typeof cpuSchema>;

/** Of one domain, over all namespaces. */
export const maxMetadataEntries = 1024;
export const maxMetadataNamespaces = 64;
export const maxMetadataPath = 512;

/**
 * Any namespace's elements as strings: namespace → path → value. A path is the local names from
 * the namespace's own element down, joined by `/`; the second of equal siblings has `[2]` behind
 * its name, an attribute's path ends in `@` and its name, an element of another namespace reads
 * `{namespace}name`. So Nova's flavor is `instance/flavor@name`.
 */
export const metadataSchema = z.record(
  z.string().max(1024),
  z.record(z.string().max(maxMetadataPath), z.string().max(4096)),
);
export type Metadata = z.infer<typeof metadataSchema>;

/** What the XML of a domain says. `observedAt` is when the call that read it began. */
export const domainConfigSchema = z.object({
  observedAt: z.iso.datetime(),
  /** SHA-256 of the XML, in hexadecimal digits. */
  xmlHash: z.string().max(64),
  title: z.string().max(4096).optional(),
  description: z.string().max(65_536).optional(),
  virtType: z.string().max(64).optional(),
  arch: z.string().max(64).optional(),
  machine: z.string().max(128).optional(),
  emulator: z.string().max(4096).optional(),
  firmware: firmwareSchema.optional(),
  vcpusCurrent: z.int().min(0).optional(),
  vcpusMaximum: z.int().min(0).optional(),
  placement: placementSchema.optional(),
  memoryCurrentKiB: z.number().min(0).optional(),
  memoryMaximumKiB: z.number().min(0).optional(),
  cpu: cpuSchema.optional(),
  /** What the rules of event-bridge's operator take from the metadata. */
  labels: labelsSchema.optional(),
  disks: z.array(diskSchema).max(4096),
  interfaces: z.array(interfaceSchema).max(4096),
  /** An absent list is an empty one, unless `omitted` names it. */
  graphics: z.array(graphicsSchema).max(64).optional(),
  hostDevices: z.array(hostDeviceSchema).max(1024).optional(),
  channels: z.array(channelSchema).max(1024).optional(),
  tpms: z.array(tpmSchema).max(16).optional(),
  metadata: metadataSchema.optional(),
  /** SELinux's label of the running process, given anew at each start; no other driver's is. */
  processLabel: z.string().max(256).optional(),
  /**
   * Parts that lack something which did not fit a bound, by name: nothing is cut in silence. A
   * list or record that is named here holds what did fit.
   */
  omitted: z.array(z.string().max(64)).max(64).optional(),
});
export type DomainConfig = z.infer<typeof domainConfigSchema>;
