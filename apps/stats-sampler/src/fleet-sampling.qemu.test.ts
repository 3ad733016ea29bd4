import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  leasesIn,
  statsPageSchema,
  statsRows,
  subjects,
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
  startLeasedNetwork,
  startLibvirtd,
  startNats,
  tempDir,
  waitFor,
  type Libvirtd,
  type NatsServer,
} from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sampleFleet } from './fleet-sampling.ts';

const periods = { fast: 500, monitor: 1_000, host: 2_000 };

const stack = new AsyncDisposableStack();
const stop = new AbortController();
let libvirtd: Libvirtd;
let nats: NatsServer;
let metrics: Metrics;
let sampling: Promise<void>;
/** Every page that came over the bus, in the order of arrival. */
const heard: StatsPage[] = [];

beforeAll(async () => {
  libvirtd = stack.use(await startLibvirtd());
  nats = stack.use(await startNats());
  const dir = stack.use(await tempDir('vs-sampler-'));
  for (const name of ['healthy', 'other']) {
    await defineAndStart(libvirtd, pulseGuest(join(dir.path, 'guests'), { name }));
  }
  await libvirtd.virsh('define', pulseGuest(join(dir.path, 'guests'), { name: 'off' }).xmlPath);
  const fleetFile = join(dir.path, 'fleet.yaml');
  writeFileSync(
    fleetFile,
    `hosts:
  - { id: hv1, uri: "${libvirtd.uri}" }
  - { id: tested, uri: "${libvirtd.testUri}" }
  - { id: nowhere, uri: "qemu+unix:///system?socket=${dir.path}/none" }
  - { id: "bad id", uri: "qemu:///system" }
`,
  );
  const hands = handsOf(fleetFile);
  const nc = stack.use(await connectNats({ ...hands, name: 'reader' }));
  await ensureBus(nc, hands);
  nc.subscribe(subjects.statsOfAll, {
    callback: (_, message) => {
      heard.push(statsPageSchema.parse(message.json()));
    },
  });
  sampling = sampleFleet(hands, { periods, extras: [] });
  // Whoever waits for pages would wait in vain.
  sampling.catch(() => stop.abort());
});

afterAll(async () => {
  stop.abort();
  await stack.disposeAsync();
});

function handsOf(fleetFile: string): Hands {
  metrics = new Metrics('stats-sampler');
  return {
    name: 'stats-sampler',
    replica: 'test',
    env: readEnv({ VIRTSCOPE_FLEET: fleetFile, VIRTSCOPE_NATS_URL: nats.url }),
    log: createLogger('stats-sampler', 'test', 'silent'),
    metrics,
    clock: systemClock,
    health: new Health(),
    signal: stop.signal,
  };
}

/** Pages of a host's tier that arrive from now on. */
function following(host: string, tier: string): () => StatsPage[] {
  const from = heard.length;
  return () => heard.slice(from).filter((page) => page.host === host && page.tier === tier);
}

async function nextPages(host: string, tier: string, count: number): Promise<StatsPage[]> {
  const pages = following(host, tier);
  return waitFor(() => (pages().length >= count ? pages() : undefined), {
    what: `${count} pages of ${host} ${tier}`,
    timeoutMs: 40_000,
    signal: stop.signal,
  });
}

/** A field by the domain's uuid. */
function fieldOf(page: StatsPage | undefined, uuid: string, field: string): unknown {
  if (page === undefined) return undefined;
  return [...statsRows(page)].find((row) => row.uuid === uuid)?.fields[field];
}

async function uuidOf(name: string): Promise<string> {
  return (await libvirtd.virsh('domuuid', name)).trim();
}

test('both tiers arrive, with counters that grow', async () => {
  const uuid = await uuidOf('healthy');
  const first = (await nextPages('hv1', 'monitor', 1))[0];
  const grown = await waitFor(
    () =>
      heard.findLast(
        (page) =>
          page.host === 'hv1' &&
          page.tier === 'monitor' &&
          Number(fieldOf(page, uuid, 'block.0.rd.reqs')) >
            Number(fieldOf(first, uuid, 'block.0.rd.reqs')) &&
          Number(fieldOf(page, uuid, 'cpu.time')) > Number(fieldOf(first, uuid, 'cpu.time')),
      ),
    { what: 'growing counters', timeoutMs: 40_000 },
  );
  expect(grown.groups).toEqual({
    'cpu-total': 'complete',
    balloon: 'complete',
    vcpu: 'complete',
    block: 'complete',
    iothread: 'complete',
    vm: 'complete',
  });
  const fast = (await nextPages('hv1', 'fast', 1))[0];
  expect(fieldOf(fast, uuid, 'state.state')).toBe(1);
  expect(fast?.groups).toMatchObject({ state: 'complete', perf: 'complete' });
});

test('an inactive domain has its state in the fast tier and no row in the monitor tier', async () => {
  const uuid = await uuidOf('off');
  const fast = (await nextPages('hv1', 'fast', 1))[0];
  expect(fast?.ids[fast.uuids.indexOf(uuid)]).toBe(null);
  expect(fieldOf(fast, uuid, 'state.state')).toBe(5);
  expect((await nextPages('hv1', 'monitor', 1))[0]?.uuids).not.toContain(uuid);
});

test('a driver that knows state alone says what is missing', async () => {
  expect((await nextPages('tested', 'fast', 1))[0]?.groups).toMatchObject({
    state: 'complete',
    interface: 'missing',
  });
  expect((await nextPages('tested', 'monitor', 1))[0]?.groups).toMatchObject({ block: 'missing' });
});

test("the host's own CPU time, memory and pools arrive at their own pace", async () => {
  const [first, next] = await nextPages('hv1', 'host', 2);
  expect(first?.groups).toEqual({
    cpu: 'complete',
    memory: 'complete',
    cell: 'complete',
    pool: 'complete',
    lease: 'complete',
  });
  const total = Number(first?.hostFields?.['memory.total']);
  expect(total).toBeGreaterThan(Number(first?.hostFields?.['memory.free']));
  expect(first?.hostFields?.['cell.0.free']).toBeGreaterThan(0);
  expect(next?.hostFields?.['cpu.busyPercent']).toBeLessThanOrEqual(100);
  expect((await nextPages('tested', 'host', 1))[0]?.groups).toMatchObject({ memory: 'missing' });
});

test('addresses that a network lent arrive at the same pace', async () => {
  const lent = { mac: '52:54:00:aa:bb:01', address: '192.168.77.10' };
  await startLeasedNetwork(libvirtd, 'lan', [lent]);
  const pages = following('hv1', 'host');
  const page = await waitFor(
    () => pages().find((each) => 'lease.0.mac' in (each.hostFields ?? {})),
    {
      what: 'a lease',
      timeoutMs: 40_000,
    },
  );
  expect(leasesIn(page.hostFields ?? {})).toMatchObject([{ network: 'lan', ...lent }]);
});

test('every call is on the bill, with its tier and reason', async () => {
  await nextPages('hv1', 'monitor', 1);
  const bill = await metrics.registry.getSingleMetricAsString('virtscope_libvirt_calls_total');
  for (const tier of ['fast', 'monitor']) {
    expect(bill).toMatch(
      new RegExp(
        `host="hv1",tier="${tier}",reason="sample",procedure="connectGetAllDomainStats",outcome="ok"`,
      ),
    );
  }
  const lag = await metrics.registry.getSingleMetricAsString('virtscope_stats_publish_lag_seconds');
  expect(lag).toMatch(/virtscope_stats_publish_lag_seconds_count\{.*tier="monitor".*\} [1-9]/);
});

test('samples go on under a higher epoch after libvirtd was killed and started', async () => {
  const epoch = (await nextPages('hv1', 'fast', 1))[0]?.epoch ?? 0;
  await libvirtd.kill();
  await libvirtd.start();
  for (const tier of ['fast', 'monitor']) {
    const pages = following('hv1', tier);
    const page = await waitFor(() => pages().find((each) => each.epoch > epoch), {
      what: `${tier} pages under a higher epoch`,
      timeoutMs: 40_000,
    });
    expect(page.uuids.length).toBeGreaterThan(0);
  }
});

test('samples go on after NATS was killed and started', async () => {
  const before = (await nextPages('hv1', 'fast', 1))[0];
  await nats.kill();
  await nats.start();
  const pages = await nextPages('hv1', 'fast', 2);
  expect(pages[0]?.sampleId).toBeGreaterThan(before?.sampleId ?? 0);
  expect(pages[0]?.epoch).toBeGreaterThanOrEqual(before?.epoch ?? 0);
  await nextPages('hv1', 'monitor', 1);
});

test('a stopped sampler ends its sessions and returns', async () => {
  stop.abort();
  await expect(sampling).resolves.toBe(undefined);
});
