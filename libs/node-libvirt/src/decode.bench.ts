/**
 * Decoding bulk stats, without a socket: a reply of 500 domains with 37 parameters each, 1.2 kB a
 * record, as running domains with two disks answer. Beside ours a straightforward decoder, which
 * makes a string of every name and a bigint of every counter.
 *
 *     node libs/node-libvirt/src/decode.bench.ts     one line of JSON
 */
import { randomInt, randomUUID } from 'node:crypto';
import {
  connectGetAllDomainStats,
  connectGetAllDomainStatsColumns,
} from './procedures/connect-get-all-domain-stats.ts';
import { writeDomain } from './protocol/identity.ts';
import { XdrReader } from './protocol/xdr-reader.ts';
import { XdrWriter } from './protocol/xdr-writer.ts';

const records = 500;
const roundMs = 300;
const rounds = 9;

const disk = (n: number): string[] =>
  ['rd.reqs', 'rd.bytes', 'rd.times', 'wr.reqs', 'wr.bytes', 'wr.times'].map(
    (name) => `block.${n}.${name}`,
  );
const net = ['rx', 'tx'].flatMap((way) =>
  ['bytes', 'pkts', 'errs', 'drop'].map((name) => `net.0.${way}.${name}`),
);
const counters = ['cpu.time', 'cpu.user', 'cpu.system', 'balloon.current', 'balloon.maximum']
  .concat('balloon.rss', 'vcpu.0.time', 'vcpu.0.wait', net, disk(0), disk(1))
  .concat('block.0.capacity', 'block.1.capacity');
const numbers = ['state.state', 'state.reason', 'block.count'];

function reply(): Buffer {
  const writer = new XdrWriter();
  writer.uint(records);
  for (let i = 0; i < records; i++) {
    writeDomain(writer, { name: `instance-${10_000 + i}`, uuid: randomUUID(), id: i + 1 });
    const texts = { 'net.0.name': `tap${i}`, 'block.0.name': 'vda', 'block.1.name': 'vdb' };
    const paths = { 'block.0.path': `/var/lib/libvirt/images/${i}.qcow2` };
    const strings = Object.entries({ ...texts, ...paths });
    writer.uint(numbers.length + counters.length + strings.length);
    for (const name of numbers) {
      writer.string(name);
      writer.int(1);
      writer.int(1);
    }
    for (const [name, value] of strings) {
      writer.string(name);
      writer.int(7);
      writer.string(value);
    }
    for (const name of counters) {
      writer.string(name);
      writer.int(4);
      writer.unsignedHyper(randomInt(2 ** 40));
    }
  }
  return writer.take();
}

/** What one would write first: correct, and with nothing in mind. */
function straightforward(bytes: Buffer): unknown {
  let at = 0;
  const uint = (): number => bytes.readUInt32BE((at += 4) - 4);
  const string = (): string => {
    const length = uint();
    const text = bytes.toString('utf8', at, at + length);
    at += (length + 3) & ~3;
    return text;
  };
  const value = (): unknown => {
    const type = bytes.readInt32BE((at += 4) - 4);
    if (type === 1 || type === 6) return bytes.readInt32BE((at += 4) - 4);
    if (type === 2) return uint();
    if (type === 3) return bytes.readBigInt64BE((at += 8) - 8);
    if (type === 4) return bytes.readBigUInt64BE((at += 8) - 8);
    if (type === 5) return bytes.readDoubleBE((at += 8) - 8);
    return string();
  };
  return Array.from({ length: uint() }, () => {
    const name = string();
    const uuid = bytes.toString('hex', at, (at += 16));
    const domain = { name, uuid, id: bytes.readInt32BE((at += 4) - 4) };
    const params = new Map<string, unknown>();
    for (let left = uint(); left > 0; left--) params.set(string(), value());
    return { domain, params };
  });
}

const wire = reply();
const reader = new XdrReader();
const decoders = {
  plain: () => {
    reader.reset(wire, 0, wire.length);
    return connectGetAllDomainStats.decode(reader);
  },
  columns: () => {
    reader.reset(wire, 0, wire.length);
    return connectGetAllDomainStatsColumns.decode(reader);
  },
  straightforward: () => straightforward(wire),
};

/** Records a second, in one round. */
function round(decode: () => unknown): number {
  const beganMs = performance.now();
  let replies = 0;
  while (performance.now() - beganMs < roundMs) {
    decode();
    replies += 1;
  }
  return (replies * records * 1_000) / (performance.now() - beganMs);
}

const rates: Record<keyof typeof decoders, number[]> = {
  plain: [],
  columns: [],
  straightforward: [],
};
// Turn and turn about, so that a busy moment of the machine hits all alike.
for (let i = 0; i < rounds; i++) {
  for (const name of ['plain', 'columns', 'straightforward'] as const) {
    rates[name].push(round(decoders[name]));
  }
}
const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

console.log(
  JSON.stringify({
    parameters: numbers.length + counters.length + 4,
    recordBytes: wire.length / records,
    plainPerSecond: median(rates.plain),
    columnsPerSecond: median(rates.columns),
    straightforwardPerSecond: median(rates.straightforward),
  }),
);
