import { expect, test } from 'vitest';
import { guests, MonitorBench, uuidsOf } from './monitor-bench.fixture.ts';
import { monitorBusyFields, uuid } from './testing.ts';

const migrationOut = [
  ['operation', 5],
  ['data_remaining', 1_234],
] as const;
const others = [1, 2, 4, 5, 6];

/** Everybody was sampled once, and an event told of a job of domain 3. */
function heard(): MonitorBench {
  const bench = new MonitorBench();
  bench.answer(bench.asked[0]!, guests);
  bench.give({ type: 'jobHeard', uuid: uuid(3), nowMs: bench.nowMs });
  expect(bench.jobReads.map(({ domain }) => domain.uuid)).toEqual([uuid(3)]);
  return bench;
}

test('a domain in a migration is in no round: it keeps its values, and its progress stands beside', () => {
  const bench = heard();
  bench.job(migrationOut);
  const call = bench.nextCall();
  expect(uuidsOf(call)).toEqual(others.map(uuid));
  bench.answer(call, others);
  const [fresh, held, progress] = bench.samples.at(-1)!;
  expect(fresh).toMatchObject({ page: 0, pages: 3, uuids: others.map(uuid) });
  expect(held).toMatchObject({ kept: 'job', uuids: [uuid(3)], groups: { block: 'complete' } });
  expect(held?.columns['cpu.time']).toEqual([370_000_000]);
  expect(held?.ageMs).toBeGreaterThan(1_000);
  expect(progress).toMatchObject({ uuids: [uuid(3)], groups: {} });
  expect(progress?.kept).toBe(undefined);
  expect(progress?.columns).toEqual({ 'job.operation': [5], 'job.data_remaining': [1_234] });
  expect(bench.counts['unknown-field']).toBe(undefined);
});

test('its progress is asked once a turn, by one call, and it is back when there is no job', () => {
  const bench = heard();
  bench.job(migrationOut);
  for (let turn = 0; turn < 3; turn++) {
    bench.answer(bench.nextCall(), others);
    expect(bench.jobReads).toHaveLength(2 + turn);
    bench.job(migrationOut);
  }
  bench.answer(bench.nextCall(), others);
  // What is heard while it is asked is asked after its answer.
  bench.give({ type: 'jobHeard', uuid: uuid(3), nowMs: bench.nowMs });
  expect(bench.jobReads).toHaveLength(5);
  bench.job(migrationOut);
  expect(bench.jobReads).toHaveLength(6);
  bench.job('none');
  expect(bench.nextCall().domains).toBe(undefined);
});

test('a backup hinders no sample', () => {
  const bench = heard();
  bench.job([['operation', 9]]);
  expect(bench.nextCall().domains).toBe(undefined);
});

test('the target of a migration is passed over: it is found by its holes', () => {
  const bench = new MonitorBench();
  bench.answer(bench.asked[0]!, guests);
  bench.answer(bench.nextCall(), guests, { fields: monitorBusyFields });
  bench.say([]);
  for (const n of guests) {
    expect(bench.jobReads.at(-1)?.domain.uuid).toBe(uuid(n));
    bench.job(n === 3 ? 'incoming' : 'none');
  }
  const call = bench.nextCall();
  expect(uuidsOf(call)).toEqual(others.map(uuid));
  bench.answer(call, others);
  expect(bench.samples.at(-1)?.at(-1)?.columns).toEqual({ 'job.operation': [4] });
});

test('a monitor that is occupied is not asked for a job: no call waits behind what may hang', () => {
  const bench = new MonitorBench();
  bench.answer(bench.asked[0]!, guests, { fields: monitorBusyFields });
  bench.say(guests, 5);
  expect(bench.jobReads).toEqual([]);
});

test('a domain that freezes in a migration is stuck, and its call is the one that hangs', () => {
  const bench = heard();
  bench.diagnosed([3]);
  expect(bench.told).toEqual(['monitor-stuck vm3']);
  const call = bench.nextCall();
  expect(uuidsOf(call)).toEqual(others.map(uuid));
  bench.answer(call, others);
  const held = bench.samples.at(-1)!.find(({ uuids }) => uuids.includes(uuid(3)));
  expect(held).toMatchObject({ monitor: 'stuck' });
  bench.job(migrationOut);
  expect(uuidsOf(bench.asked.at(-1)!)).toEqual([uuid(3)]);
  bench.answer(bench.asked.at(-1)!, [3]);
  expect(bench.told).toEqual(['monitor-stuck vm3', 'monitor-recovered vm3 answered']);
});

test('an answer that nobody asked for is counted', () => {
  const bench = heard();
  bench.job('none');
  bench.job('none');
  expect(bench.counts['unasked']).toBe(1);
});
