import type { DomainConfig, SimulatedDisk } from './domain.ts';
import type { DomainNow } from './host-event.ts';
import type { Load } from './load.ts';

/** `VIR_DOMAIN_*`. */
export const running = 1;
export const paused = 3;
export const shutoff = 5;

/** A domain of a simulated host, as it is. */
export type DomainRow = {
  readonly uuid: string;
  readonly uuidBytes: Buffer;
  readonly load: Load;
  /** What it will run with after its next start; of a transient domain, what it runs with. */
  config: DomainConfig;
  /** What it runs with. */
  live: DomainConfig | undefined;
  /** -1 when it does not run. */
  id: number;
  state: number;
  reason: number;
  persistent: boolean;
  autostart: boolean;
  managedSave: boolean;
  /** How long its QEMU process ran, pauses left out, until `runningSinceMs` or for good. */
  ranMs: number;
  /** `undefined` while it is paused or off. */
  runningSinceMs: number | undefined;
};

/** How long the domain's QEMU process has run by now, pauses left out. */
export function ranMs(row: DomainRow, nowMs: number): number {
  const { runningSinceMs } = row;
  return row.ranMs + (runningSinceMs === undefined ? 0 : Math.max(0, nowMs - runningSinceMs));
}

/** The domain as the wire names it. */
export function now(row: DomainRow): DomainNow {
  return { name: row.config.name, uuid: row.uuid, uuidBytes: row.uuidBytes, id: row.id };
}

/** QEMU's name of a disk: `virtio-disk0` for `vda`. */
export function diskAlias({ target }: SimulatedDisk): string {
  return `virtio-disk${target.charCodeAt(target.length - 1) - 'a'.charCodeAt(0)}`;
}

/** The host's name of a running domain's interface. No id is used twice, so neither is this. */
export function interfaceName(id: number, index: number): string {
  return index === 0 ? `vnet${id}` : `vnet${id}.${index}`;
}
