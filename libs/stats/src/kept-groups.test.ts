import { expect, test } from 'vitest';
import { keptBeside } from './kept-groups.ts';
import { guests, MonitorBench } from './monitor-bench.fixture.ts';
import type { CallTimes, Held } from './record.ts';
import { monitorBusyFields, monitorFields, record, uuid } from './testing.ts';
import { tierSpecs } from './tier.ts';

const { groups } = tierSpecs.monitor;
const timesOf = (startedMs: number): CallTimes => ({
  startedMs,
  startedWallMs: startedMs,
  answeredMs: startedMs,
});
const whole = record(1, 7, monitorFields);
const busy = record(1, 7, monitorBusyFields);

test('what an answer lacks is kept of the one before, group by group, with its times', () => {
  const [kept, ...more] = keptBeside({ record: whole, times: timesOf(5) }, busy, groups);
  expect(more).toEqual([]);
  expect(kept?.times).toEqual(timesOf(5));
  expect(kept?.groups).toEqual(['balloon', 'vcpu', 'block', 'iothread', 'vm']);
  const names = kept?.record.params.names ?? [];
  expect(names).toContain('block.0.rd.reqs');
  expect(names).not.toContain('cpu.time');
  const at = names.indexOf('balloon.rss');
  expect(kept?.record.params.valueAt(at)).toBe(monitorFields['balloon.rss']);
});

test('it stays through more of such answers, and goes with a whole one or another run', () => {
  const first: Held = { record: whole, times: timesOf(5) };
  const second: Held = { record: busy, times: timesOf(15), kept: keptBeside(first, busy, groups) };
  expect(keptBeside(second, busy, groups)[0]?.times).toEqual(timesOf(5));
  expect(keptBeside(second, whole, groups)).toEqual([]);
  expect(keptBeside(second, record(1, 8, monitorBusyFields), groups)).toEqual([]);
  expect(keptBeside(undefined, busy, groups)).toEqual([]);
});

test('kept groups stand in a page of their own, beside what was answered', () => {
  const bench = new MonitorBench();
  bench.answer(bench.asked[0]!, guests);
  const call = bench.nextCall();
  const fields = { fields: monitorBusyFields };
  bench.answer(call, guests, fields);
  const [fresh, kept] = bench.samples.at(-1)!;
  expect(fresh).toMatchObject({ pages: 2, ageMs: 1, groups: { block: 'partial' } });
  expect(fresh?.columns['cpu.time']?.[0]).toBe(monitorBusyFields['cpu.time']);
  expect(kept).toMatchObject({ kept: 'busy', uuids: guests.map(uuid) });
  expect(kept?.groups).toEqual({
    balloon: 'complete',
    vcpu: 'complete',
    block: 'complete',
    iothread: 'complete',
    vm: 'complete',
  });
  expect(kept?.columns['block.0.rd.reqs']?.[0]).toBe(monitorFields['block.0.rd.reqs']);
  expect(kept?.columns['cpu.time']).toBe(undefined);
  expect(kept?.ageMs).toBeGreaterThan(5_000);
  expect(kept?.rates).toBe(undefined);
});
