import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cpuTimeFell, maxTimeDoubt, ratesOf, secondsBetween, type Rates } from './rates.ts';
import type { CallTimes, Held, StatsValue } from './record.ts';
import { monitorFields, record } from './testing.ts';

type Fields = Record<string, StatsValue>;

const at = (startedMs: number, tookMs = 2): CallTimes => ({
  startedMs,
  startedWallMs: 0,
  answeredMs: startedMs + tookMs,
});

const held = (fields: Fields, startedMs = 0, id = 1): Held => ({
  record: record(1, id, fields),
  times: at(startedMs),
});

/** Two samples ten seconds apart. */
function between(before: Fields, after: Fields, id = 1): Rates {
  return ratesOf(held(before), record(1, id, after), at(10_000), 10_000);
}

const grown: Fields = {
  ...monitorFields,
  'cpu.time': monitorFields['cpu.time'] + 5_000_000_000,
  'vcpu.current': 2,
  'vcpu.0.delay': monitorFields['vcpu.0.delay'] + 1_000_000_000,
  'block.0.rd.reqs': 21 + 100,
  'block.0.rd.bytes': 10_752 + 51_200,
  'block.0.rd.times': 4_332_745 + 250_000_000,
};

test('what grew in ten seconds is told per second, per request and in percent', () => {
  expect(between(monitorFields, grown)).toMatchObject({
    cpuPercent: 50,
    cpuPercentOfAll: 25,
    cpuStealPercent: 10,
    cpuWaitPercent: 0,
    vcpus: 2,
    diskReadIops: 10,
    diskReadBytesPerS: 5_120,
    diskReadMs: 2.5,
    diskWriteIops: 0,
  });
});

test('without requests there is no latency, and it is not zero', () => {
  expect(between(monitorFields, grown)).not.toHaveProperty('diskWriteMs');
});

test('the first sample, and the first of another run, have gauges alone', () => {
  expect(ratesOf(undefined, record(1, 1, grown), at(0), 10_000)).toEqual({ vcpus: 2 });
  expect(between(monitorFields, grown, 2)).toEqual({ vcpus: 2 });
});

test('CPU time that fell within one id is a restart: no counter is believed', () => {
  expect(between({ ...monitorFields, 'cpu.time': 10 ** 12 }, grown)).toEqual({ vcpus: 2 });
});

test('CPU time that fell under one id is another process, and nothing else is', () => {
  const fell = { ...monitorFields, 'cpu.time': 5 };
  expect(cpuTimeFell(held(monitorFields), record(1, 1, fell))).toBe(true);
  expect(cpuTimeFell(held(monitorFields), record(1, 1, monitorFields))).toBe(false);
  expect(cpuTimeFell(held(monitorFields), record(1, 2, fell))).toBe(false);
  expect(cpuTimeFell(undefined, record(1, 1, fell))).toBe(false);
  const { 'cpu.time': _, ...without } = monitorFields;
  expect(cpuTimeFell(held(monitorFields), record(1, 1, without))).toBe(false);
});

test('one disk whose counters were reset takes the sums over disks away, and nothing else', () => {
  const rates = between({ ...monitorFields, 'block.0.rd.reqs': 10 ** 6 }, grown);
  expect(rates).not.toHaveProperty('diskReadIops');
  expect(rates).toMatchObject({ cpuPercent: 50, diskWriteIops: 0 });
});

test('another device in the place of one is not compared with it', () => {
  const rates = between(monitorFields, { ...grown, 'block.0.name': 'vdb' });
  expect(Object.keys(rates).filter((name) => name.startsWith('disk'))).toEqual([]);
});

test("a disk's backing chain is counted once", () => {
  const chain = (fields: Fields): Fields => ({
    ...fields,
    'block.count': 2,
    'block.1.name': 'hda',
    'block.1.backingIndex': 2,
    'block.1.rd.reqs': fields['block.0.rd.reqs'] ?? 0,
  });
  expect(between(chain(monitorFields), chain(grown))).toMatchObject({ diskReadIops: 10 });
});

test('interfaces are summed', () => {
  const net = (rx: number): Fields => ({
    'net.count': 2,
    'net.0.name': 'vnet0',
    'net.0.rx.bytes': rx,
    'net.0.rx.errs': rx / 100,
    'net.0.tx.errs': 0,
    'net.1.name': 'vnet1',
    'net.1.rx.bytes': 2 * rx,
    'net.1.rx.errs': 0,
    'net.1.tx.errs': rx / 100,
  });
  expect(between(net(0), net(1_000))).toEqual({ netRxBytesPerS: 300, netErrorsPerS: 2 });
});

test('memory in use is told when the guest reports it, and never made up', () => {
  const balloon = { 'balloon.available': 1_000, 'balloon.usable': 300, 'balloon.last-update': 5 };
  expect(between(balloon, balloon)).toEqual({ memoryUsedKiB: 700 });
  expect(between(balloon, { ...balloon, 'balloon.last-update': 0 })).toEqual({});
  expect(between(balloon, { 'balloon.available': 1_000 })).toEqual({});
});

test('counters above 2^53 keep their last digits', () => {
  const big = 2n ** 60n;
  const rates = between({ 'net.0.rx.bytes': big }, { 'net.0.rx.bytes': big + 10n });
  expect(rates).toEqual({ netRxBytesPerS: 1 });
});

test('a sample whose moment is uncertain, or long ago, gives no rate', () => {
  expect(secondsBetween(at(0), at(10_000), 10_000)).toBe(10);
  expect(secondsBetween(at(0), at(10_000, 9_000), 10_000)).toBe(undefined);
  expect(secondsBetween(at(0), at(61_000), 10_000)).toBe(undefined);
  expect(secondsBetween(at(0), at(0), 10_000)).toBe(undefined);
  expect(secondsBetween(at(9_000), at(0), 10_000)).toBe(undefined);
});

const value = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constant('text'),
  fc.constant(Number.NaN),
);
const fields = fc.dictionary(
  fc.constantFrom(...Object.keys(monitorFields), 'net.0.rx.bytes'),
  value,
);
const times = fc
  .record({ start: fc.integer({ min: -1e6, max: 1e6 }), took: fc.integer({ min: -1e3, max: 1e5 }) })
  .map(({ start, took }) => at(start, took));

test('whatever two samples say, no figure is negative or beyond what JSON can say', () => {
  fc.assert(
    fc.property(fields, fields, times, times, fc.nat(2), (a, b, before, after, id) => {
      const old: Held = { record: record(1, 1, a), times: before };
      for (const rate of Object.values(ratesOf(old, record(1, id, b), after, 10_000))) {
        expect(rate).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(rate)).toBe(true);
      }
    }),
  );
});

test('whenever in its call a counter was really read, its rate is off by no more than the doubt', () => {
  const moment = fc.record({
    gapMs: fc.integer({ min: 500, max: 50_000 }),
    took: fc.tuple(fc.nat(20_000), fc.nat(20_000)),
    read: fc.tuple(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    ),
  });
  fc.assert(
    fc.property(moment, fc.integer({ min: 1, max: 1_000 }), ({ gapMs, took, read }, perMs) => {
      const [a, b] = [at(0, took[0]), at(took[0] + gapMs, took[1])];
      const value = (times: CallTimes, share: number): Fields => {
        const ms = times.startedMs + (times.answeredMs - times.startedMs) * share;
        return { 'block.0.rd.bytes': Math.round(ms * perMs * 1_000) };
      };
      const old: Held = { record: record(1, 1, value(a, read[0])), times: a };
      const rate = ratesOf(old, record(1, 1, value(b, read[1])), b, 60_000).diskReadBytesPerS;
      if (rate === undefined) return;
      const real = perMs * 1e6;
      expect(Math.abs(rate - real) / real).toBeLessThanOrEqual(maxTimeDoubt + 1e-4);
    }),
  );
});
