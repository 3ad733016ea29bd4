/**
 * What counters say per second, and what else is derived from two samples of one domain. The
 * formulas stand in this room's README. A figure is absent whenever it could be wrong: it is never
 * negative, and never the artefact of a restart, a changed device, a late answer or a gap.
 */
import type { RateName } from '@virtscope/contracts';
import type { CallTimes, Held, StatsRecord, StatsValue } from './record.ts';

export type Rates = Partial<Record<RateName, number>>;

/**
 * A call's values were read at some moment between its start and its end. The time between two
 * samples is told from the calls' middles; when the calls took more than this share of it, it is
 * too uncertain to divide by.
 */
export const maxTimeDoubt = 0.25;

/** A gap of more intervals than this is not averaged over: too much may have happened in it. */
export const maxGapIntervals = 6;

/** How many vCPUs, threads or bytes a guest can have is not known here; more than this it cannot. */
const maxCpuPercent = 100 * 4_096;

/** `after` without a figure when nothing can be said. */
export function ratesOf(
  before: Held | undefined,
  after: StatsRecord,
  times: CallTimes,
  intervalMs: number,
): Rates {
  const plan = planOf(after.params.names);
  const rates: Rates = {};
  addGauges(rates, plan, after);
  const seconds = before && secondsBetween(before.times, times, intervalMs);
  if (before === undefined || seconds === undefined) return rates;
  if (before.record.domain.id !== after.domain.id) return rates; // another run, other counters
  const old = before.record.params;
  // The same list of names is the same device at the same place, but for its own name.
  const where = old.names === after.params.names ? undefined : placesOf(old.names);
  const sum = (places: readonly Counted[]): number | undefined =>
    deltaOf(places, old, after.params, where);
  addCpu(rates, plan, sum, seconds);
  if (restarted(plan, sum)) return gaugesOf(plan, after);
  for (const { rate, per, places } of plan.counters) {
    const delta = places.length === 0 ? undefined : sum(places);
    if (delta !== undefined) put(rates, rate, (delta / seconds) * per);
  }
  for (const { rate, times: spent, requests } of plan.latencies) {
    const ns = spent.length === 0 ? undefined : sum(spent);
    const done = requests.length === 0 ? undefined : sum(requests);
    if (ns !== undefined && done !== undefined && done > 0) put(rates, rate, ns / done / 1e6);
  }
  return rates;
}

/** @returns undefined when the time between is unknown, too short, too long or too uncertain */
export function secondsBetween(
  before: CallTimes,
  after: CallTimes,
  intervalMs: number,
): number | undefined {
  const middle = ({ startedMs, answeredMs }: CallTimes): number => (startedMs + answeredMs) / 2;
  const tookMs = ({ startedMs, answeredMs }: CallTimes): number => answeredMs - startedMs;
  const ms = middle(after) - middle(before);
  const doubtMs = (tookMs(before) + tookMs(after)) / 2;
  const sound =
    ms > 0 &&
    tookMs(before) >= 0 &&
    tookMs(after) >= 0 &&
    doubtMs <= ms * maxTimeDoubt &&
    ms <= intervalMs * maxGapIntervals;
  return sound ? ms / 1_000 : undefined;
}

/** A counter's place in a record, and the place of its device's name, which must be the same. */
type Counted = { name: string; index: number; owner: string | undefined; ownerIndex: number };

type Plan = {
  cpuTime: readonly Counted[];
  vcpus: number | undefined;
  counters: readonly { rate: RateName; per: number; places: readonly Counted[] }[];
  latencies: readonly {
    rate: RateName;
    times: readonly Counted[];
    requests: readonly Counted[];
  }[];
  memory: { available: number; usable: number; unused: number; lastUpdate: number };
};

type Params = StatsRecord['params'];

const plans = new WeakMap<readonly string[], Plan>();
const places = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

function planOf(names: readonly string[]): Plan {
  let plan = plans.get(names);
  if (plan === undefined) {
    plan = makePlan(names);
    plans.set(names, plan);
  }
  return plan;
}

function placesOf(names: readonly string[]): ReadonlyMap<string, number> {
  let map = places.get(names);
  if (map === undefined) {
    map = new Map(names.map((name, index) => [name, index]));
    places.set(names, map);
  }
  return map;
}

function makePlan(names: readonly string[]): Plan {
  const index = placesOf(names);
  const at = (name: string): number => index.get(name) ?? -1;
  const counted = (name: string): Counted => {
    const device = /^((?:block|net)\.\d+)\./.exec(name)?.[1];
    const owner = device === undefined ? undefined : `${device}.name`;
    return { name, index: at(name), owner, ownerIndex: owner === undefined ? -1 : at(owner) };
  };
  const all = (pattern: RegExp): Counted[] =>
    names.filter((name) => pattern.test(name)).map(counted);
  const disks = (counter: string): Counted[] =>
    all(new RegExp(String.raw`^block\.\d+\.${counter}$`));
  const perSecond = (rate: RateName, list: Counted[], per = 1): Plan['counters'][number] => ({
    rate,
    per,
    places: list,
  });
  return {
    cpuTime: all(/^cpu\.time$/),
    vcpus: at('vcpu.current') >= 0 ? at('vcpu.current') : undefined,
    counters: [
      // ns per second → percent of one CPU.
      perSecond('cpuStealPercent', all(/^vcpu\.\d+\.delay$/), 1e-7),
      perSecond('cpuWaitPercent', all(/^vcpu\.\d+\.wait$/), 1e-7),
      perSecond('diskReadIops', disks('rd\\.reqs')),
      perSecond('diskWriteIops', disks('wr\\.reqs')),
      perSecond('diskFlushIops', disks('fl\\.reqs')),
      perSecond('diskReadBytesPerS', disks('rd\\.bytes')),
      perSecond('diskWriteBytesPerS', disks('wr\\.bytes')),
      perSecond('netRxBytesPerS', all(/^net\.\d+\.rx\.bytes$/)),
      perSecond('netTxBytesPerS', all(/^net\.\d+\.tx\.bytes$/)),
      perSecond('netRxPacketsPerS', all(/^net\.\d+\.rx\.pkts$/)),
      perSecond('netTxPacketsPerS', all(/^net\.\d+\.tx\.pkts$/)),
      perSecond('netErrorsPerS', all(/^net\.\d+\.[rt]x\.errs$/)),
      perSecond('netDropsPerS', all(/^net\.\d+\.[rt]x\.drop$/)),
    ],
    latencies: (
      [
        ['diskReadMs', 'rd'],
        ['diskWriteMs', 'wr'],
        ['diskFlushMs', 'fl'],
      ] as const
    ).map(([rate, kind]) => ({
      rate,
      times: disks(`${kind}\\.times`),
      requests: disks(`${kind}\\.reqs`),
    })),
    memory: {
      available: at('balloon.available'),
      usable: at('balloon.usable'),
      unused: at('balloon.unused'),
      lastUpdate: at('balloon.last-update'),
    },
  };
}

/** How much the counters grew together; undefined when one fell, is new, or is another device's. */
function deltaOf(
  counters: readonly Counted[],
  old: Params,
  now: Params,
  where: ReadonlyMap<string, number> | undefined,
): number | undefined {
  let sum = 0;
  let device = -1;
  let deviceName: StatsValue | undefined;
  for (const { name, index, owner, ownerIndex } of counters) {
    if (owner !== undefined && ownerIndex >= 0) {
      // Entries of one disk are its backing chain: what the top one did, the others did for it.
      if (ownerIndex !== device && now.valueAt(ownerIndex) === deviceName) continue;
      device = ownerIndex;
      deviceName = now.valueAt(ownerIndex);
      const oldOwner = where === undefined ? ownerIndex : (where.get(owner) ?? -1);
      if (old.valueAt(oldOwner) !== now.valueAt(ownerIndex)) return undefined;
    }
    const oldIndex = where === undefined ? index : (where.get(name) ?? -1);
    const delta = difference(old.valueAt(oldIndex), now.valueAt(index));
    if (delta === undefined || delta < 0) return undefined;
    sum += delta;
  }
  return sum;
}

function difference(a: StatsValue | undefined, b: StatsValue | undefined): number | undefined {
  if (typeof a === 'number' && typeof b === 'number') return b - a;
  if (!isCounter(a) || !isCounter(b)) return undefined;
  return Number(BigInt(b) - BigInt(a));
}

function isCounter(value: StatsValue | undefined): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value));
}

/**
 * Whether the domain's CPU time fell within one run, as libvirt counts runs: there is another process
 * under the same id.
 */
export function cpuTimeFell(before: Held | undefined, { domain, params }: StatsRecord): boolean {
  if (before === undefined || before.record.domain.id !== domain.id) return false;
  const old = before.record.params;
  return planOf(params.names).cpuTime.some(({ name, index }) => {
    const oldIndex = old.names === params.names ? index : (placesOf(old.names).get(name) ?? -1);
    const delta = difference(old.valueAt(oldIndex), params.valueAt(index));
    return delta !== undefined && delta < 0;
  });
}

/** CPU time that fell: a new QEMU under the same id, and every counter with it. */
function restarted(
  { cpuTime }: Plan,
  sum: (list: readonly Counted[]) => number | undefined,
): boolean {
  return cpuTime.length > 0 && sum(cpuTime) === undefined;
}

function addCpu(
  rates: Rates,
  plan: Plan,
  sum: (list: readonly Counted[]) => number | undefined,
  seconds: number,
): void {
  const ns = plan.cpuTime.length === 0 ? undefined : sum(plan.cpuTime);
  if (ns === undefined) return;
  const percent = ns / seconds / 1e7;
  if (percent > maxCpuPercent) return;
  put(rates, 'cpuPercent', percent);
  const { vcpus } = rates;
  if (vcpus !== undefined && vcpus > 0) put(rates, 'cpuPercentOfAll', percent / vcpus);
}

/** Figures that need one sample alone. */
function addGauges(rates: Rates, plan: Plan, { params }: StatsRecord): void {
  if (plan.vcpus !== undefined) {
    const vcpus = params.valueAt(plan.vcpus);
    if (typeof vcpus === 'number') put(rates, 'vcpus', vcpus);
  }
  const { available, usable, unused, lastUpdate } = plan.memory;
  // A guest that never reported has a figure that nobody measured.
  if (lastUpdate >= 0 && params.valueAt(lastUpdate) === 0) return;
  const has = params.valueAt(available);
  const free = params.valueAt(usable >= 0 ? usable : unused);
  if (typeof has === 'number' && typeof free === 'number' && free <= has) {
    put(rates, 'memoryUsedKiB', has - free);
  }
}

function gaugesOf(plan: Plan, record: StatsRecord): Rates {
  const rates: Rates = {};
  addGauges(rates, plan, record);
  return rates;
}

/** Six digits tell more than a sample knows. */
function put(rates: Rates, rate: RateName, value: number): void {
  if (Number.isFinite(value) && value >= 0) rates[rate] = Number(value.toPrecision(6));
}
