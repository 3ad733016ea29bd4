/**
 * What questions to query-api cost at 100,000 domains on 1,000 hosts, beside what bounds each in
 * the same run: a constant on the same server, the same questions to libvirtd, a consumer that
 * only counts.
 *
 *     ./dev bench query [DOMAINS] [QEMU DOMAINS, 0 leaves libvirtd out]
 */
import { waitFor } from '@virtscope/testkit';
import { Child } from './query/child.ts';
import { uuidOf, type Fleet } from './query/fleet.ts';
import { askLibvirt } from './query/libvirt-peer.ts';
import { atRate, flatOut, oneByOne } from './query/load.ts';
import { replay } from './query/replay.ts';
import { publish, quantile, type Row } from './report.ts';

const fleet: Fleet = { hosts: 1_000, domains: Number(process.argv[2] ?? 100_000) };
const qemuDomains = Number(process.argv[3] ?? 40);
const rows: Row[] = [];

/** A figure and what it should be: `<=` or `>=` a number, of its value or of its ratio. */
function add(row: Row, goal: [of: 'value' | 'ratio', sign: '<=' | '>=', bound: number]): void {
  const [of, sign, bound] = goal;
  const ratio = row.baseline === undefined ? row.ratio : row.value / row.baseline;
  const compared = (of === 'value' ? row.value : ratio) ?? Number.NaN;
  rows.push({
    ...row,
    ...(ratio === undefined ? {} : { ratio }),
    goal: `${of === 'ratio' ? 'ratio ' : ''}${sign} ${bound}`,
    met: sign === '<=' ? compared <= bound : compared >= bound,
  });
}

const say = (what: string): void =>
  console.error(`${(performance.now() / 1_000).toFixed(0)} s: ${what}`);
const point = (i: number): string => `/v1/domains/${uuidOf((i * 7_919) % fleet.domains)}`;
const list = (query: Record<string, string>): string =>
  `/v1/domains?${new URLSearchParams(query).toString()}`;

const peer = qemuDomains > 0 ? await askLibvirt(qemuDomains) : undefined;
say(`libvirtd: ${JSON.stringify(peer)}`);

{
  await using server = new Child('server.ts', [fleet.hosts, fleet.domains]);
  const { url, constantUrl } = await server.ask<{ url: string; constantUrl: string }>();
  say('filled');

  // Point look-ups: in turns with the constant, so that the machine's moods hit both.
  const ours: number[] = [];
  const constant: number[] = [];
  for (let round = 0; round < 4; round++) {
    constant.push(await flatOut(constantUrl, () => '/constant', { lines: 16, ms: 1_500 }));
    ours.push(await flatOut(url, point, { lines: 16, ms: 1_500 }));
  }
  const rate = quantile(ours.slice(1), 0.5);
  const bound = quantile(constant.slice(1), 0.5);
  add({ id: 'point.ratio_constant', value: rate, unit: '1/s', baseline: bound }, [
    'ratio',
    '>=',
    0.8,
  ]);
  say('point');

  await server.ask({ ask: 'load', changes: 1_000, stats: true });
  const took = await atRate(url, point, { lines: 16, ms: 5_000, perSecond: rate / 2 });
  add({ id: 'point.p99_ms', value: quantile(took, 0.99), unit: 'ms' }, ['value', '<=', 5]);
  await server.ask({ ask: 'load' });
  say('point under load');

  const states = list({ fields: 'host,uuid,name,id,state', pageSize: '10000' });
  const statesMs = quantile((await oneByOne(url, states, 30)).slice(10), 0.5);
  add({ id: 'states10k_ms', value: statesMs, unit: 'ms' }, ['value', '<=', 20]);
  const fields = 'host,uuid,name,id,state,stats.cpu.time,stats.balloon.*,stats.block.*,stats.net.*';
  const full = list({ fields, pageSize: '10000' });
  const fullMs = quantile((await oneByOne(url, full, 15)).slice(5), 0.5);
  if (peer !== undefined) {
    const scale = 10_000;
    const against = (id: string, ms: number, perDomainMs: number, least: number): void =>
      add({ id, value: perDomainMs * scale, unit: 'ms', baseline: ms }, ['ratio', '>=', least]);
    against('states10k.ratio_bulk', statesMs, peer.bulkMs, 10);
    against('states10k.ratio_loop', statesMs, peer.loopMs, 80);
    against('full10k.ratio_bulk6', fullMs, peer.bulk6Ms, 1_000);
  }
  rows.push({ id: 'full10k_ms', value: fullMs, unit: 'ms' });
  say('lists');

  const filter = 'state == "paused" && config.vcpusCurrent >= 1';
  const sorted = list({
    filter,
    orderBy: 'stats.cpu.time desc',
    topK: '50',
    fields: 'uuid,stats.cpu.time',
  });
  const sortedMs = (await oneByOne(url, sorted, 120)).slice(20);
  add({ id: 'filter_sort_top50.p99_ms', value: quantile(sortedMs, 0.99), unit: 'ms' }, [
    'value',
    '<=',
    10,
  ]);

  const scanned = 'config.title.contains("77777") && config.memoryCurrentKiB > 1048576';
  const scan = list({ filter: scanned, fields: 'uuid' });
  const scanMs = quantile((await oneByOne(url, scan, 25)).slice(5), 0.5);
  add({ id: 'scan100k_ms', value: scanMs, unit: 'ms' }, ['value', '<=', 60]);
  // Look-ups while scans run without a pause, beside look-ups alone.
  const quiet = await atRate(url, point, { lines: 4, ms: 3_000, perSecond: 200 });
  const scans = oneByOne(url, scan, 60);
  const beside = await atRate(url, point, { lines: 4, ms: 3_000, perSecond: 200 });
  await scans;
  const delayMs = quantile(beside, 0.99) - quantile(quiet, 0.99);
  add({ id: 'scan100k.delay_p99_ms', value: delayMs, unit: 'ms' }, ['value', '<=', 5]);
  say('scans');

  // Watchers.
  const watchers = 2_000;
  await using clients = new Child('watchers.ts', [url, watchers, 200, fleet.hosts]);
  type Seen = { synced: number; frames: number; took: number[] };
  await waitFor(async () => (await clients.ask<Seen>({ ask: 'count' })).synced >= watchers, {
    what: 'all watchers to be synced',
    timeoutMs: 120_000,
    intervalMs: 250,
  });
  const before = await server.ask<{ changed: number }>({ ask: 'load', changes: 1_000 });
  await clients.ask({ ask: 'measure' });
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const after = await server.ask<{ changed: number }>({ ask: 'load' });
  // Each change is in one filter, which ten watch; the first watcher does not count.
  const changes = after.changed - before.changed;
  const counted = async (): Promise<number> => (await clients.ask<Seen>({ ask: 'count' })).frames;
  let frames = await counted();
  for (let quietRounds = 0; quietRounds < 8; quietRounds++) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const more = await counted();
    if (more !== frames) quietRounds = 0;
    frames = more;
  }
  let ofFirst = 0;
  for (let each = before.changed; each < after.changed; each++) {
    const host = ((each * 7_919) % fleet.domains) % fleet.hosts;
    if (host < fleet.hosts / 200) ofFirst++;
  }
  const { took: latencies } = await clients.ask<Seen>({ ask: 'took' });
  add({ id: 'watch2000.p99_ms', value: quantile(latencies, 0.99), unit: 'ms' }, [
    'value',
    '<=',
    100,
  ]);
  const missed = changes * 10 - ofFirst - frames;
  add({ id: 'watch2000.missed', value: missed, unit: 'frames' }, ['value', '<=', 0]);
  rows.push({ id: 'watch2000.changes_per_s', value: changes / 10, unit: '1/s' });
  say('watchers');
}

{
  await using server = new Child('server.ts', [10, 100]);
  await server.ask();
  const { one, all } = await server.ask<{ one: number; all: number }>({ ask: 'growth' });
  add({ id: 'cost_growth_1k_100k', value: all * 1_000, unit: 'us', baseline: one * 1_000 }, [
    'ratio',
    '<=',
    1.2,
  ]);
  say('growth');
}

const { readyMs, bareMs, rssMiB } = await replay(fleet);
add({ id: 'replay100k_s', value: readyMs / 1_000, unit: 's' }, ['value', '<=', 8]);
add({ id: 'replay100k.ratio_bare', value: readyMs, unit: 'ms', baseline: bareMs }, [
  'ratio',
  '<=',
  4,
]);
add({ id: 'rss100k_mib', value: rssMiB, unit: 'MiB' }, ['value', '<=', 600]);

publish('query', rows);
process.exit(0);
