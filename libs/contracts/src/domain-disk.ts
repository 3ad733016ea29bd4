import { z } from 'zod';

/** One server of a network disk: by name and port, or by a local socket. */
const diskPeerSchema = z.object({
  name: z.string().max(256).optional(),
  port: z.int().min(0).max(65_535).optional(),
  transport: z.string().max(64).optional(),
  socket: z.string().max(4096).optional(),
});

/** Where one image of a disk lies: the image that the guest writes, or one below it. */
export const diskLayerSchema = z.object({
  /** libvirt's word: `file`, `block`, `network`, `volume`, `nvme`, `vhostuser`, `dir`, … */
  type: z.string().max(64),
  /**
   * In one string what tells it from others: the path of a file, block device, folder or socket,
   * the name on the network (without one its first server as a URL), `pool/volume`, or the PCI
   * address and namespace of an NVMe disk. Absent for an empty drive.
   */
  source: z.string().max(4096).optional(),
  format: z.string().max(64).optional(),
  network: z
    .object({
      protocol: z.string().max(64),
      name: z.string().max(4096).optional(),
      hosts: z.array(diskPeerSchema).max(64).optional(),
    })
    .optional(),
  /** The format of its encryption, as `luks`. */
  encryption: z.string().max(64).optional(),
});
export type DiskLayer = z.infer<typeof diskLayerSchema>;

/** libvirt itself follows a chain of backing images no deeper than 200. */
export const maxBackingLayers = 256;

export const diskSchema = diskLayerSchema.extend({
  target: z.string().max(256),
  bus: z.string().max(64).optional(),
  device: z.string().max(64).optional(),
  readonly: z.boolean().optional(),
  shareable: z.boolean().optional(),
  transient: z.boolean().optional(),
  serial: z.string().max(256).optional(),
  wwn: z.string().max(64).optional(),
  driver: z
    .object({
      name: z.string().max(64).optional(),
      cache: z.string().max(64).optional(),
      io: z.string().max(64).optional(),
      discard: z.string().max(64).optional(),
      detectZeroes: z.string().max(64).optional(),
      iothread: z.int().min(0).optional(),
      queues: z.int().min(0).optional(),
    })
    .optional(),
  /** libvirt's name of the device, which events of devices carry. */
  alias: z.string().max(256).optional(),
  /**
   * The images below, nearest first. Empty: there is none. Absent: libvirt does not say, as of
   * most domains that do not run.
   */
  backing: z.array(diskLayerSchema).max(maxBackingLayers).optional(),
  /** The image that a job copies this one to. */
  mirror: diskLayerSchema.optional(),
});
export type Disk = z.infer<typeof diskSchema>;
