import { z } from 'zod';

export const interfaceSchema = z.object({
  type: z.string().max(64),
  mac: z.string().max(64).optional(),
  source: z.string().max(1024).optional(),
  /** How it is attached to its source: `bridge`, `vepa`, `private` or `passthrough` of a direct one. */
  mode: z.string().max(64).optional(),
  /** The bridge that a running domain's virtual network led to. */
  bridge: z.string().max(256).optional(),
  model: z.string().max(64).optional(),
  /** The host's name of the tap device: exists only while the domain runs. */
  target: z.string().max(256).optional(),
  mtu: z.int().min(0).optional(),
  /** `up` or `down` where the configuration says it. */
  linkState: z.string().max(64).optional(),
  vlans: z.array(z.int().min(0)).max(4096).optional(),
  /** The port of a virtual switch; `interfaceId` is the port's id in Open vSwitch. */
  virtualPort: z
    .object({
      type: z.string().max(64).optional(),
      interfaceId: z.string().max(256).optional(),
      profileId: z.string().max(256).optional(),
    })
    .optional(),
  /** The network filter by name. */
  filter: z.string().max(256).optional(),
  alias: z.string().max(256).optional(),
});
export type Interface = z.infer<typeof interfaceSchema>;

const portSchema = z.int().min(0).max(65_535);

/** A display. Passwords are not told. */
export const graphicsSchema = z.object({
  type: z.string().max(64),
  /** Absent until libvirt has given one. */
  port: portSchema.optional(),
  tlsPort: portSchema.optional(),
  websocketPort: portSchema.optional(),
  autoport: z.boolean().optional(),
  /** The address that it listens on. */
  listen: z.string().max(256).optional(),
  socket: z.string().max(4096).optional(),
});
export type Graphics = z.infer<typeof graphicsSchema>;

/** A device of the host that the domain was given. */
export const hostDeviceSchema = z.object({
  /** `pci`, `usb`, `scsi`, `scsi_host`, `mdev`; `storage`, `misc` or `net` of a container. */
  type: z.string().max(64),
  /**
   * Which one, in one string: a PCI address, USB's `bus.device`, `scsi_host0:0:0:0`, the name of
   * an iSCSI target, a WWPN, the UUID of a mediated device, a path. A USB device that is
   * configured by vendor and product has none until the domain runs.
   */
  source: z.string().max(4096).optional(),
  model: z.string().max(64).optional(),
  driver: z.string().max(64).optional(),
  managed: z.boolean().optional(),
  /** Of a USB device, as `0x1d6b`. */
  vendorId: z.string().max(64).optional(),
  productId: z.string().max(64).optional(),
  alias: z.string().max(256).optional(),
});
export type HostDevice = z.infer<typeof hostDeviceSchema>;

export const channelSchema = z.object({
  type: z.string().max(64),
  /** The host's end: a socket's path. */
  source: z.string().max(4096).optional(),
  targetType: z.string().max(64).optional(),
  /** The guest's end: a name such as `org.qemu.guest_agent.0`, or an address and port. */
  target: z.string().max(256).optional(),
  /** Whether the guest's end is open: `connected` or `disconnected`, while the domain runs. */
  state: z.string().max(64).optional(),
});
export type Channel = z.infer<typeof channelSchema>;

export const tpmSchema = z.object({
  model: z.string().max(64).optional(),
  /** `passthrough`, `emulator` or `external`. */
  backend: z.string().max(64).optional(),
  version: z.string().max(64).optional(),
  /** The device or socket of the host. */
  source: z.string().max(4096).optional(),
  persistentState: z.boolean().optional(),
});
export type Tpm = z.infer<typeof tpmSchema>;
