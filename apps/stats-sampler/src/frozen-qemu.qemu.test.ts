/**
 * Forty real QEMUs, of which some are frozen (SIGSTOP): what they cost the others. How long it
 * takes to find one, and other clients to be answered, is measured by `./dev bench freeze`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  eventDataSchema,
  statsPageSchema,
  subjects,
  type EventData,
  type StatsPage,
} from '@virtscope/contracts';
import {
  Health,
  Metrics,
  connectNats,
  createLogger,
  ensureBus,
  readEnv,
  systemClock,
  type Hands,
} from '@virtscope/runtime';
import {
  defineAndStart,
  pulseGuest,
  startLibvirtd,
  startNats,
  tempDir,
  waitFor,
  type Libvirtd,
} from '@virtscope/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { sampleFleet } from './fleet-sampling.ts';

const full = Number(process.env['VIRTSCOPE_FULL'] ?? 0) > 0;
const guestCount = 40;
const periods = full
  ? { fast: 2_000, monitor: 10_000, host: 60_000 }
  : { fast: 1_000, monitor: 4_000, host: 60_000 };
/** They stay frozen at least for so long, and for so many samples of each tier. */
const frozenSamples = 3;
const frozenMs = full ? 60_000 : 10_000;
const waitMs = 60_000;

const stack = new AsyncDisposableStack();
const stop = new AbortController();
const metrics = new Metrics('stats-sampler');
const frozen = new Set<number>();
const uuids = new Map<string, string>();
let libvirtd: Libvirtd;

/** All pages of one call, or of what was published beside it. */
type Sample = { tier: string; sampleId: number; pages: StatsPage[] };
const samples: Sample[] = [];
/** What was told of monitors, in the order of the broker. */
const events: EventData[] = [];

const nameOf = (n: number): string => `vm${n}`;
const uuidOf = (n: number): string => uuids.get(nameOf(n)) ?? '';

beforeAll(async () => {
  libvirtd = stack.use(await startLibvirtd());
  const nats = stack.use(await startNats());
  const dir = stack.use(await tempDir('vs-frozen-'));
  const rest = Array.from({ length: guestCount }, (_, n) =>
    pulseGuest(join(dir.path, 'guests'), { name: nameOf(n) }),
  );
  for (const { name, uuid } of rest) uuids.set(name, uuid);
  const start = async (): Promise<void> => {
    for (let guest = rest.pop(); guest !== undefined; guest = rest.pop()) {
      await defineAndStart(libvirtd, guest);
    }
  };
  await Promise.all([start(), start(), start()]);
  const fleetFile = join(dir.path, 'fleet.yaml');
  writeFileSync(fleetFile, `hosts:\n  - { id: hv1, uri: "${libvirtd.uri}" }\n`);
  const hands: Hands = {
    name: 'stats-sampler',
    replica: 'test',
    env: readEnv({ VIRTSCOPE_FLEET: fleetFile, VIRTSCOPE_NATS_URL: nats.url }),
    log: createLogger('stats-sampler', 'test', 'silent'),
    metrics,
    clock: systemClock,
    health: new Health(),
    signal: stop.signal,
  };
  const nc = stack.use(await connectNats({ ...hands, name: 'reader' }));
  await ensureBus(nc, hands);
  let pages: StatsPage[] = [];
  nc.subscribe(subjects.statsOfAll, {
    callback: (_, message) => {
      const page = statsPageSchema.parse(message.json());
      pages.push(page);
      const { tier, sampleId } = page;
      const mine = pages.filter((each) => each.tier === tier && each.sampleId === sampleId);
      if (mine.length < page.pages) return;
      samples.push({ tier, sampleId, pages: mine });
      pages = pages.filter((each) => !mine.includes(each));
    },
  });
  nc.subscribe(subjects.eventsOfAll, {
    callback: (_, message) => {
      events.push(eventDataSchema.parse(message.json()));
    },
  });
  const sampling = sampleFleet(hands, { periods, extras: [] });
  sampling.catch(() => stop.abort());
  stack.defer(async () => {
    stop.abort();
    await sampling;
  });
  await nextSample('monitor', (sample) => freshOf(sample).size === guestCount);
}, 180_000);

afterEach(() => {
  for (const pid of frozen) process.kill(pid, 'SIGCONT');
  frozen.clear();
});

afterAll(async () => {
  await stack.disposeAsync();
});

function freeze(n: number): void {
  const pid = libvirtd.qemuPid(nameOf(n));
  frozen.add(pid);
  process.kill(pid, 'SIGSTOP');
}

function thaw(n: number): void {
  const pid = libvirtd.qemuPid(nameOf(n));
  process.kill(pid, 'SIGCONT');
  frozen.delete(pid);
}

/** Domains whose values in the sample are of its own interval. */
function freshOf({ pages }: Sample): Set<string> {
  return new Set(pages.filter(({ monitor }) => monitor === undefined).flatMap((p) => p.uuids));
}

function stuckOf({ pages }: Sample): Set<string> {
  return new Set(pages.filter(({ monitor }) => monitor === 'stuck').flatMap((p) => p.uuids));
}

async function nextSample(tier: string, is: (sample: Sample) => boolean): Promise<Sample> {
  const from = samples.length;
  return waitFor(() => samples.slice(from).find((each) => each.tier === tier && is(each)), {
    what: `a sample of the ${tier} tier`,
    timeoutMs: waitMs,
    signal: stop.signal,
  });
}

async function count(tier: string, incident: string): Promise<number> {
  const metric = await metrics.registry.getSingleMetric('virtscope_stats_incidents_total')?.get();
  const value = metric?.values.find(
    ({ labels }) => labels['incident'] === incident && labels['tier'] === tier,
  );
  return value?.value ?? 0;
}

/** Turns of a tier that brought no sample so far. */
async function turnsLost(tier: string): Promise<number> {
  return (await count(tier, 'skipped')) + (await count(tier, 'paused'));
}

/** Whoever else asks libvirtd about a healthy domain is answered. */
async function othersAreAnswered(): Promise<void> {
  expect(await libvirtd.virsh('list', '--uuid')).toContain(uuidOf(0));
  expect(await libvirtd.virsh('domstate', nameOf(0))).toContain('running');
  expect(await libvirtd.virsh('dumpxml', nameOf(0))).toContain(uuidOf(0));
}

/** Freezes some for a while and tells what became of the others' samples. */
async function freezeFor(ns: readonly number[], meanwhile: () => Promise<void>): Promise<void> {
  const others = [...uuids.values()].filter((uuid) => !ns.map(uuidOf).includes(uuid));
  const lostBefore = { fast: await turnsLost('fast'), monitor: await turnsLost('monitor') };
  const from = samples.length;
  const untilMs = performance.now() + frozenMs;
  for (const n of ns) freeze(n);
  await waitFor(() => samples.slice(from).some((each) => stuckOf(each).size === ns.length), {
    what: `${ns.length} stuck domains`,
    timeoutMs: waitMs,
  });
  await meanwhile();
  const of = (tier: string): Sample[] => samples.slice(from).filter((each) => each.tier === tier);
  await waitFor(
    () =>
      performance.now() >= untilMs &&
      of('fast').length >= frozenSamples &&
      of('monitor').length >= frozenSamples,
    { what: 'the thaw', timeoutMs: frozenMs + waitMs },
  );
  const during = { fast: of('fast'), monitor: of('monitor') };
  for (const n of ns) thaw(n);
  const well = await nextSample('monitor', (sample) => freshOf(sample).size === guestCount);
  expect(stuckOf(well).size).toBe(0);
  for (const tier of ['fast', 'monitor'] as const) {
    // At these short periods each one that is met and named can make the tier late for a turn, and
    // so can a starved machine. That the tier goes on, and whole, is what follows.
    expect((await turnsLost(tier)) - lostBefore[tier]).toBeLessThanOrEqual(ns.length);
    const [first] = during[tier];
    for (const [n, sample] of during[tier].entries()) {
      expect(sample.sampleId).toBe((first?.sampleId ?? 0) + n);
      const fresh = freshOf(sample);
      expect(others.filter((uuid) => !fresh.has(uuid))).toEqual([]);
    }
  }
}

/** Of one domain: what was told of its monitor. */
const toldOf = (n: number): string[] =>
  events
    .filter(({ uuid }) => uuid === uuidOf(n))
    .map(({ kind, payload }) => {
      return [kind, payload?.['because']].filter(Boolean).join(' ');
    });

test('one frozen QEMU costs the other 39 no sample, and keeps its last values with their age', async () => {
  await freezeFor([7], async () => {
    await othersAreAnswered();
    const first = await nextSample('monitor', (sample) => stuckOf(sample).has(uuidOf(7)));
    const later = await nextSample('monitor', (sample) => stuckOf(sample).has(uuidOf(7)));
    const kept = [first, later].map(({ pages }) => pages.find((p) => p.monitor === 'stuck'));
    expect(kept[0]?.columns['block.0.rd.reqs']?.[0]).toBeGreaterThan(0);
    expect(kept[1]?.columns).toEqual(kept[0]?.columns);
    expect(kept[1]?.startedAt).toBe(kept[0]?.startedAt);
    expect(kept[1]?.ageMs).toBeGreaterThan(kept[0]?.ageMs ?? 0);
  });
  await waitFor(() => toldOf(7).length === 2, { what: 'both events', timeoutMs: waitMs });
  expect(toldOf(7)).toEqual(['monitor-stuck', 'monitor-recovered answered']);
  const [stuck, well] = events.filter(({ uuid }) => uuid === uuidOf(7));
  expect(stuck).toMatchObject({ role: 'stats-sampler', host: 'hv1', name: nameOf(7), prev: null });
  expect(well?.prev).toEqual({ epoch: stuck?.epoch, seq: stuck?.seq });
});

test('three frozen at once cost the other 37 no sample', async () => {
  await freezeFor([3, 17, 31], othersAreAnswered);
});

test('with five frozen the monitor tier says that it pauses, and the fast tier loses nothing', async () => {
  const ns = [1, 9, 18, 27, 36];
  const lost = await turnsLost('fast');
  for (const n of ns) freeze(n);
  const paused = await nextSample('monitor', (sample) =>
    sample.pages.some(({ monitor }) => monitor === 'paused'),
  );
  expect(new Set(paused.pages.flatMap((page) => page.uuids)).size).toBe(guestCount);
  await othersAreAnswered();
  const from = samples.length;
  await waitFor(() => samples.slice(from).filter(({ tier }) => tier === 'fast').length >= 4, {
    what: 'four samples of the fast tier',
    timeoutMs: waitMs,
  });
  for (const sample of samples.slice(from).filter(({ tier }) => tier === 'fast')) {
    expect(freshOf(sample).size).toBe(guestCount);
  }
  expect(await turnsLost('fast')).toBe(lost);
  for (const n of ns) thaw(n);
  await nextSample('monitor', (sample) => freshOf(sample).size === guestCount);
});

test('a frozen QEMU that is killed and started anew is sampled again under its new id', async () => {
  const before = idOf(await nextSample('monitor', () => true), uuidOf(5));
  freeze(5);
  await nextSample('monitor', (sample) => stuckOf(sample).has(uuidOf(5)));
  const pid = libvirtd.qemuPid(nameOf(5));
  process.kill(pid, 'SIGKILL');
  frozen.delete(pid);
  await waitFor(async () => (await libvirtd.virsh('domstate', nameOf(5))).includes('shut off'), {
    what: 'libvirtd to notice the death',
    timeoutMs: waitMs,
  });
  await libvirtd.virsh('start', nameOf(5));
  const after = await nextSample('monitor', (sample) => freshOf(sample).has(uuidOf(5)));
  expect(idOf(after, uuidOf(5))).toBeGreaterThan(before ?? 0);
  expect(freshOf(after).size).toBe(guestCount);
  expect(toldOf(5)).toEqual(['monitor-stuck', 'monitor-recovered ended']);
});

function idOf({ pages }: Sample, uuid: string): number | null | undefined {
  const page = pages.find(({ uuids: each }) => each.includes(uuid));
  return page?.ids[page.uuids.indexOf(uuid)];
}
