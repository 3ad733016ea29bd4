import { z } from 'zod';

export const diskSchema = z.object({
  target: z.string().max(256),
  bus: z.string().max(64).optional(),
  device: z.string().max(64).optional(),
  type: z.string().max(64),
  /** The path of a file or block device, else the source's name; absent for an empty drive. */
  source: z.string().max(4096).optional(),
  format: z.string().max(64).optional(),
  readonly: z.boolean().optional(),
});
export type Disk = z.infer<typeof diskSchema>;

export const interfaceSchema = z.object({
  type: z.string().max(64),
  mac: z.string().max(64).optional(),
  source: z.string().max(1024).optional(),
  model: z.string().max(64).optional(),
  /** The host's name of the tap device: exists only while the domain runs. */
  target: z.string().max(256).optional(),
});
export type Interface = z.infer<typeof interfaceSchema>;

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
  vcpusCurrent: z.int().min(0).optional(),
  vcpusMaximum: z.int().min(0).optional(),
  memoryCurrentKiB: z.number().min(0).optional(),
  memoryMaximumKiB: z.number().min(0).optional(),
  disks: z.array(diskSchema).max(4096),
  interfaces: z.array(interfaceSchema).max(4096),
  /** Parts that the size limit of a row took away, by name: nothing is cut in silence. */
  omitted: z.array(z.string().max(64)).max(16).optional(),
});
export type DomainConfig = z.infer<typeof domainConfigSchema>;
