/** The host's own hardware and counters. libvirt's calls say "node". */
import type { Counter, XdrReader } from '../protocol/xdr-reader.ts';
import { procedure } from './procedure.ts';
import { readCounter } from './shared.ts';

export type NodeInfo = {
  /** CPU architecture: `x86_64`. */
  model: string;
  memoryKiB: Counter;
  cpus: number;
  mhz: number;
  nodes: number;
  sockets: number;
  cores: number;
  threads: number;
};

const modelChars = 32;

/** NODE_GET_INFO (6) → model char[32], memory uh KiB, cpus, mhz, nodes, sockets, cores, threads i. */
export const nodeGetInfo = procedure<undefined, NodeInfo>({
  name: 'nodeGetInfo',
  number: 6,
  priority: 'high',
  decode: (reader) => {
    const chars = reader.fixedChars(modelChars);
    const end = chars.indexOf(0);
    return {
      model: chars.toString('utf8', 0, end < 0 ? modelChars : end),
      memoryKiB: reader.counter(),
      cpus: reader.int(),
      mhz: reader.int(),
      nodes: reader.int(),
      sockets: reader.int(),
      cores: reader.int(),
      threads: reader.int(),
    };
  },
});

export type NodeStats = { stats: Map<string, Counter>; count: number };

const maxNodeStats = 16;

/** {field s, value uh}<16>, nparams i */
function readNodeStats(reader: XdrReader): NodeStats {
  const stats = new Map<string, Counter>();
  for (let left = reader.count(maxNodeStats, 12); left > 0; left--) {
    stats.set(reader.string(), reader.counter());
  }
  return { stats, count: reader.int() };
}

/**
 * NODE_GET_CPU_STATS (227): cpuNum i (-1 all), nparams i, flags u. With nparams 0 it only says how
 * many there are, and it takes no other number than that.
 */
export const nodeGetCpuStats = procedure<{ cpu: number; count: number }, NodeStats>({
  name: 'nodeGetCpuStats',
  number: 227,
  priority: 'high',
  encode: (writer, { cpu, count }) => {
    writer.int(cpu);
    writer.int(count);
    writer.uint(0);
  },
  decode: readNodeStats,
});

/** NODE_GET_MEMORY_STATS (228): nparams i, cellNum i (-1 all), flags u. In two steps, as above. */
export const nodeGetMemoryStats = procedure<{ cell: number; count: number }, NodeStats>({
  name: 'nodeGetMemoryStats',
  number: 228,
  priority: 'high',
  encode: (writer, { cell, count }) => {
    writer.int(count);
    writer.int(cell);
    writer.uint(0);
  },
  decode: readNodeStats,
});

/** NODE_GET_FREE_MEMORY (102) → uh bytes. */
export const nodeGetFreeMemory = procedure<undefined, Counter>({
  name: 'nodeGetFreeMemory',
  number: 102,
  priority: 'high',
  decode: readCounter,
});

const maxCells = 1_024;

/** NODE_GET_CELLS_FREE_MEMORY (101): startCell i, maxcells i → uh<1024> bytes. */
export const nodeGetCellsFreeMemory = procedure<{ start: number; count: number }, Counter[]>({
  name: 'nodeGetCellsFreeMemory',
  number: 101,
  priority: 'high',
  encode: (writer, { start, count }) => {
    writer.int(start);
    writer.int(count);
  },
  decode: (reader) => reader.array(maxCells, 8, readCounter),
});
