/**
 * Forty real QEMUs under the sampler's default periods; one is frozen by SIGSTOP. How many samples
 * the other 39 lose in either tier, how long after the start of the call that meets it the frozen one
 * is found, and how long libvirtd takes to answer other clients about a healthy domain meanwhile.
 *
 *     ./dev bench freeze [FROZEN] [SECONDS]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectNats } from '@nats-io/transport-node';
import { subjects, type StatsPage } from '@virtscope/contracts';
import { startService, waitFor } from '@virtscope/testkit';
import { connect } from 'node-libvirt';
import { startBus } from './bus.ts';
import { startGuests } from './guests.ts';
import { publish, quantile } from './report.ts';

const frozenCount = Number(process.argv[2] ?? 1);
const seconds = Number(process.argv[3] ?? 30);
const periodsMs = { fast: 2_000, monitor: 10_000 };

await using host = await startGuests(40);
const { libvirtd, guests } = host;
await using nats = await startBus(host.dir);
await using nc = await connectNats({ servers: nats.url });
const pages: StatsPage[] = [];
nc.subscribe(subjects.statsOfAll, {
  callback: (_, message) => {
    pages.push(message.json<StatsPage>());
  },
});
await nc.flush();
const fleetFile = join(host.dir, 'fleet.yaml');
writeFileSync(fleetFile, `hosts:\n  - { id: hv1, uri: "${libvirtd.uri}" }\n`);
await using _ = await startService({
  name: 'stats-sampler',
  dir: host.dir,
  fleetFile,
  natsUrl: nats.url,
  redisUrl: 'redis://127.0.0.1:1',
});
const monitorSamples = (): StatsPage[] =>
  pages.filter((page) => page.tier === 'monitor' && page.page === 0);
await waitFor(() => monitorSamples().length >= 2, { what: 'two rounds', timeoutMs: 60_000 });

// Other clients, on a connection of their own, all the while.
await using other = await connect(libvirtd.uri);
const healthy = await other.domainLookupByName('vm0');
const tookMs: number[] = [];
const stop = new AbortController();
const asking = (async () => {
  while (!stop.signal.aborted) {
    for (const call of [
      () => other.connectListAllDomains(),
      () => other.domainGetState(healthy),
      () => other.domainGetXmlDesc(healthy),
    ]) {
      const fromMs = performance.now();
      await call();
      tookMs.push(performance.now() - fromMs);
    }
    await new Promise((done) => setTimeout(done, 200));
  }
})();

const before = monitorSamples().at(-1);
const fromWallMs = Date.now();
const frozen = guests.slice(1, 1 + frozenCount);
for (const { name } of frozen) process.kill(libvirtd.qemuPid(name), 'SIGSTOP');
await new Promise((done) => setTimeout(done, seconds * 1_000));
const untilWallMs = Date.now();
for (const { name } of frozen) process.kill(libvirtd.qemuPid(name), 'SIGCONT');
stop.abort();
await asking;
const thawed = pages.length;
/** Whether a call that began after the thaw brought its values. */
const isBack = ({ uuid }: { uuid: string }): boolean =>
  pages
    .slice(thawed)
    .some(
      (page) =>
        page.tier === 'monitor' &&
        page.monitor === undefined &&
        Date.parse(page.startedAt) >= untilWallMs &&
        page.uuids.includes(uuid),
    );
await waitFor(() => frozen.every(isBack), { what: 'all to be back', timeoutMs: 30_000 });
const backS = (Date.now() - untilWallMs) / 1_000;

const icy = new Set(frozen.map(({ uuid }) => uuid));
const others = guests.filter(({ uuid }) => !icy.has(uuid));
/** Values of healthy domains that an interval should have brought and did not. */
function lost(tier: 'fast' | 'monitor'): number {
  const during = pages.filter((page) => {
    const startedMs = Date.parse(page.startedAt);
    return page.tier === tier && startedMs >= fromWallMs && startedMs < untilWallMs;
  });
  const turns = Math.floor((untilWallMs - fromWallMs) / periodsMs[tier]);
  return others.reduce((sum, { uuid }) => {
    const fresh = during.filter((p) => p.monitor === undefined && p.uuids.includes(uuid)).length;
    // The window may cut one turn at its end.
    return sum + Math.max(0, turns - fresh - (tier === 'monitor' ? 0 : 1));
  }, 0);
}

const startedMs = (page: StatsPage | undefined): number => Date.parse(page?.startedAt ?? '');
const firstDuring = monitorSamples().find((page) => startedMs(page) > startedMs(before));
// Rounds begin on a grid: the one that met the frozen QEMU began one interval after the last, and
// the first that is published is the one that was asked again when the last of them was found.
const detectS =
  (startedMs(firstDuring) - startedMs(before) - periodsMs.monitor) / 1_000 / frozenCount;

publish(frozenCount === 1 ? 'freeze' : `freeze-${frozenCount}`, [
  {
    id: 'samples_lost.others',
    value: lost('fast') + lost('monitor'),
    unit: 'samples',
    goal: '0',
    met: lost('fast') + lost('monitor') === 0,
  },
  { id: 'detect_s', value: detectS, unit: 's', goal: '<= 2', met: detectS <= 2 },
  {
    id: 'healthy_call_ms_max',
    value: Math.max(...tookMs),
    unit: 'ms',
    goal: '< 100',
    met: Math.max(...tookMs) < 100,
  },
  { id: 'healthy_call_ms_p50', value: quantile(tookMs, 0.5), unit: 'ms' },
  { id: 'back_after_thaw_s', value: backS, unit: 's', goal: '<= 10', met: backS <= 10 },
]);
process.exit(0);
