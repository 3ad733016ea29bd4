import { statsPageSchema, type StatsPage } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import type { HostReading } from './host-tier.ts';
import { startSampler, stepSampler } from './sampler.ts';
import { defaultPeriods } from './tier.ts';

/** The pages of these readings, one a turn; `undefined` is one that is not answered. */
function pagesOf(readings: readonly (HostReading | undefined)[]): (StatsPage | undefined)[] {
  let [state] = stepSampler(startSampler('hv1', defaultPeriods), {
    type: 'opened',
    tier: 'fast',
    epoch: 3,
    nowMs: 0,
  });
  return readings.map((reading, turn) => {
    const nowMs = turn * defaultPeriods.host + 1;
    const [asked, effects] = stepSampler(state, { type: 'woke', nowMs });
    state = asked;
    const call = effects.find((effect) => effect.type === 'readHost');
    if (call === undefined || reading === undefined) return undefined;
    const times = { startedMs: nowMs, startedWallMs: Date.UTC(2026, 0, 1), nowMs: nowMs + 4 };
    const [read, published] = stepSampler(state, {
      type: 'hostRead',
      callId: call.callId,
      ...times,
      reading,
    });
    state = read;
    const page = published.find((effect) => effect.type === 'publish')?.page;
    return page && statsPageSchema.parse(page);
  });
}

const cpu = (user: number, idle: number): HostReading => ({
  cpu: {
    fields: new Map([
      ['kernel', 0],
      ['user', user],
      ['idle', idle],
      ['iowait', 0],
    ]),
  },
});

test('a reading is published with the names that libvirt gives, by group', () => {
  const reading = {
    memory: { fields: new Map([['total', 5]]) },
    pool: { fields: new Map([['a.b.capacity', 2n ** 60n]]), cut: true },
  };
  expect(pagesOf([reading])).toMatchObject([
    {
      tier: 'host',
      epoch: 3,
      ageMs: 4,
      uuids: [],
      groups: { cpu: 'missing', memory: 'complete', cell: 'missing', pool: 'partial' },
      hostFields: { 'memory.total': 5, 'pool.a.b.capacity': '1152921504606846976' },
    },
  ]);
});

test('how busy the host was is told from two readings, and not across a restart', () => {
  const pages = pagesOf([cpu(100, 100), cpu(130, 170), cpu(5, 5)]);
  expect(pages.map((page) => page?.hostFields?.['cpu.busyPercent'])).toEqual([
    undefined,
    30,
    undefined,
  ]);
});

test('while a reading hangs no other is asked for', () => {
  expect(pagesOf([undefined, cpu(1, 1)])).toEqual([undefined, undefined]);
});
