import { createHash } from 'node:crypto';
import { uuidText } from '../libvirt-wire/wire-reader.ts';

export type SimulatedDisk = {
  /** `vda`. */
  target: string;
  path: string;
  capacityBytes: number;
};

export type SimulatedInterface = {
  mac: string;
  /** A libvirt network's name. */
  network: string;
};

/** A domain as a test gives it; what is left out is made up, alike for the same seed. */
export type SimulatedDomain = {
  name: string;
  uuid?: string;
  /** Default `running`. */
  state?: 'running' | 'paused' | 'shutoff';
  /** Default true. */
  persistent?: boolean;
  /** Default false. */
  autostart?: boolean;
  /** Default 1. */
  vcpus?: number;
  /** Default 1 GiB. */
  memoryKiB?: number;
  /** Default: `vda`, 10 GiB. */
  disks?: readonly SimulatedDisk[];
  /** Default: one on the network `default`. */
  interfaces?: readonly SimulatedInterface[];
  title?: string;
  description?: string;
  /** Elements of `<metadata>` by their namespace: `{ 'http://x/y': "<x:y xmlns:x='http://x/y'/>" }`. */
  metadata?: Readonly<Record<string, string>>;
};

/** A domain's configuration, complete. */
export type DomainConfig = {
  name: string;
  uuid: string;
  vcpus: number;
  memoryKiB: number;
  disks: readonly SimulatedDisk[];
  interfaces: readonly SimulatedInterface[];
  title: string | undefined;
  description: string | undefined;
  metadata: Readonly<Record<string, string>>;
};

const gibibyte = 2 ** 30;

export function configOf(spec: SimulatedDomain, seed: string): DomainConfig {
  const { name, vcpus = 1, memoryKiB = 1_048_576 } = spec;
  const uuid = (spec.uuid ?? uuidOf(`${seed}/${name}`)).toLowerCase();
  return {
    name,
    uuid,
    vcpus,
    memoryKiB,
    disks: spec.disks ?? [diskOf(name)],
    interfaces: spec.interfaces ?? [{ mac: macOf(uuid), network: 'default' }],
    title: spec.title,
    description: spec.description,
    metadata: spec.metadata ?? {},
  };
}

/** `vm00001` and so on, all running, of two sizes. */
export function domainsByNumber(count: number): SimulatedDomain[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `vm${String(index + 1).padStart(5, '0')}`,
    vcpus: index % 2 === 0 ? 1 : 2,
    memoryKiB: (index % 2 === 0 ? 1 : 4) * 1_048_576,
  }));
}

/** A UUID that is always the same for the same text. */
export function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest();
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40; // version 4, as libvirt makes them
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return uuidText(bytes.toString('hex', 0, 16));
}

export function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  if (bytes.length !== 16) throw new TypeError(`${uuid} is not a UUID`);
  return bytes;
}

function diskOf(name: string): SimulatedDisk {
  const path = `/var/lib/libvirt/images/${name}.qcow2`;
  return { target: 'vda', path, capacityBytes: 10 * gibibyte };
}

/** In QEMU's range. */
function macOf(uuid: string): string {
  const tail = uuid.slice(-6);
  return `52:54:00:${tail.slice(0, 2)}:${tail.slice(2, 4)}:${tail.slice(4)}`;
}
