/** Records for this room's tests. */
import type { StatsRecord, StatsValue } from './record.ts';

/** A domain's UUID by number. */
export function uuid(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

export function record(n: number, id: number, fields: Record<string, StatsValue>): StatsRecord {
  return recordOf(n, id, Object.entries(fields));
}

/** The same, for lists in which a name may come twice. */
export function recordOf(
  n: number,
  id: number,
  fields: readonly (readonly [string, StatsValue])[],
): StatsRecord {
  const values = fields.map(([, value]) => value);
  return {
    domain: { uuid: uuid(n), id, name: `vm${n}` },
    params: { names: fields.map(([name]) => name), valueAt: (index) => values[index] },
  };
}

/** What QEMU reports of a running domain with one disk for the monitor tier. */
export const monitorFields = {
  'cpu.time': 370_000_000,
  'cpu.user': 190_000_000,
  'cpu.system': 180_000_000,
  'cpu.cache.monitor.count': 0,
  'cpu.haltpoll.success.time': 0,
  'cpu.haltpoll.fail.time': 0,
  'balloon.current': 16_384,
  'balloon.maximum': 16_384,
  'balloon.rss': 39_748,
  'vcpu.current': 1,
  'vcpu.maximum': 1,
  'vcpu.0.state': 1,
  'vcpu.0.time': 90_000_000,
  'vcpu.0.wait': 0,
  'vcpu.0.delay': 11_486_337,
  'block.count': 1,
  'block.0.name': 'hda',
  'block.0.path': '/images/vm1.img',
  'block.0.backingIndex': 1,
  'block.0.rd.reqs': 21,
  'block.0.rd.bytes': 10_752,
  'block.0.rd.times': 4_332_745,
  'block.0.wr.reqs': 5,
  'block.0.wr.bytes': 2_560,
  'block.0.wr.times': 523_346,
  'block.0.fl.reqs': 0,
  'block.0.fl.times': 0,
  'block.0.allocation': 1_024,
  'block.0.capacity': 65_536,
  'block.0.physical': 65_536,
} as const;

/** The same domain while another call holds its monitor (NOWAIT). */
export const monitorBusyFields = {
  'cpu.time': 570_000_000,
  'cpu.user': 360_000_000,
  'cpu.system': 210_000_000,
  'cpu.cache.monitor.count': 0,
  'balloon.current': 16_384,
  'balloon.maximum': 16_384,
  'vcpu.current': 1,
  'vcpu.maximum': 1,
  'vcpu.0.state': 1,
  'vcpu.0.time': 220_000_000,
  'vcpu.0.wait': 0,
  'vcpu.0.delay': 33_759_003,
  'block.count': 1,
  'block.0.name': 'hda',
  'block.0.path': '/images/vm1.img',
  'block.0.backingIndex': 1,
} as const;

/** A running domain in the fast tier. */
export const fastFields = {
  'state.state': 1,
  'state.reason': 1,
  'net.count': 1,
  'net.0.name': 'vnet0',
  'net.0.rx.bytes': 640,
  'net.0.tx.bytes': 1_280,
} as const;
