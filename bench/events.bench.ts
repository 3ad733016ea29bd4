/**
 * From libvirt's event to a NATS subscriber and to an HTTP answer by `minRevision`, at 1, 100 and
 * 1,000 events a second, from a simulated daemon that says when it sent each event. Beside it, in
 * the same run and for the same events, the raw callback of python3-libvirt: what somebody would
 * have who listens to libvirtd alone. Then what a quiet minute costs, and how soon after a restart of a
 * real libvirtd with twenty domains the view is right again.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { eventDataSchema, eventId, hostListSchema, subjects } from '@virtscope/contracts';
import {
  startNats,
  startRedis,
  startService,
  startSimulatedDaemon,
  tempDir,
  waitFor,
  type ServiceName,
} from '@virtscope/testkit';
import { ours, pythonPeer } from './client/peers.ts';
import { quietMinute } from './events/quiet-minute.ts';
import { restart20 } from './events/restart20.ts';
import { publish, quantile, type Row } from './report.ts';

const host = 'sim1';
const domains = 500;
const rates = [1, 100, 1_000];
const seconds = 10;
/** Of the events at a rate, so many a second are asked for over HTTP. */
const asksPerSecond = 100;

await using owned = new AsyncDisposableStack();
const dir = owned.use(await tempDir('vs-events-'));
const socketPath = join(dir.path, 'sim.sock');
const daemon = owned.use(
  await startSimulatedDaemon({ socketPath, hostname: 'sim1.test', domains, seed: 1 }),
);
const [nats, redis] = [owned.use(await startNats()), owned.use(await startRedis())];
const fleetFile = join(dir.path, 'fleet.yaml');
writeFileSync(fleetFile, `hosts:\n  - { id: ${host}, uri: "${daemon.uri}", identity: hostname }\n`);
const surroundings = { dir: dir.path, fleetFile, natsUrl: nats.url, redisUrl: redis.url };
const launch = async (name: ServiceName) =>
  owned.use(await startService({ name, ...surroundings, env: { VIRTSCOPE_LOG_LEVEL: 'warn' } }));
const bridge = await launch('event-bridge');
const { url } = await launch('query-api');
await waitFor(
  async () => {
    const answer = hostListSchema.safeParse(await (await fetch(`${url}/v1/hosts`)).json());
    return answer.data?.hosts[0]?.trust === 'live';
  },
  { what: 'the simulated host to be live', timeoutMs: 60_000 },
);
const nc = await connect({ servers: nats.url });
owned.defer(() => nc.close());
const names = Array.from({ length: domains }, (_, i) => `vm${String(i + 1).padStart(5, '0')}`);
const paused = new Set<string>();

const rows: Row[] = [];
for (const rate of rates) rows.push(...(await atRate(rate, nc)));
rows.push(...(await quietMinute(bridge)), await restart20());
publish('events', rows);
await owned.disposeAsync();

async function atRate(rate: number, bus: NatsConnection): Promise<Row[]> {
  const count = Math.max(10, rate * seconds);
  const raw = await rawListener(count);

  const onNats: number[] = [];
  const overHttp: number[] = [];
  const sentNs: bigint[] = [];
  const asks: Promise<void>[] = [];
  const every = Math.max(1, Math.floor(rate / asksPerSecond));
  const all = Promise.withResolvers<void>();
  const subscription = bus.subscribe(subjects.eventsOfHost(host), {
    callback: (_error, message) => {
      const atNs = process.hrtime.bigint();
      const event = eventDataSchema.parse(message.json());
      if (event.uuid === undefined) return;
      const place = onNats.length;
      const startNs = sentNs[place] ?? 0n;
      onNats.push(Number(atNs - startNs) / 1e6);
      if (place % every === 0) asks.push(askFor(eventId(event), event.uuid, startNs));
      if (onNats.length === count) all.resolve();
    },
  });
  await bus.flush();
  const askFor = async (id: string, uuid: string, startNs: bigint): Promise<void> => {
    const path = `/v1/hosts/${host}/domains/${uuid}?minRevision=${encodeURIComponent(id)}`;
    const response = await fetch(`${url}${path}`);
    const body = await response.text();
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${body}`);
    overHttp.push(Number(process.hrtime.bigint() - startNs) / 1e6);
  };

  const startedMs = performance.now();
  const timer = setInterval(() => {
    // As many as are due: a timer that comes late sends what it missed.
    const due = Math.min(count, Math.floor(((performance.now() - startedMs) / 1000) * rate) + 1);
    while (sentNs.length < due) {
      const name = names[sentNs.length % names.length] ?? '';
      sentNs.push(process.hrtime.bigint());
      toggle(name);
    }
    if (sentNs.length === count) clearInterval(timer);
  }, 1);
  await all.promise;
  await Promise.all(asks);
  subscription.unsubscribe();
  const heardNs = await raw.heardNs;
  const rawMs = heardNs.map((ns, i) => Number(BigInt(ns) - (sentNs[i] ?? 0n)) / 1e6);
  return [0.5, 0.99].flatMap((q) => {
    const name = q === 0.5 ? 'p50' : 'p99';
    const baseline = quantile(rawMs, q);
    const figure = (what: string, samples: number[], goalMs: number): Row => {
      const value = quantile(samples, q);
      const goal =
        rate === 1_000 && q === 0.99 ? { goal: `<= ${goalMs}`, met: value <= goalMs } : {};
      const id = `event_to_${what}_ms_${name}@${rate}`;
      return { id, value, unit: 'ms', baseline, ratio: value / baseline, ...goal };
    };
    return [figure('nats', onNats, 5), figure('http', overHttp, 10)];
  });
}

function toggle(name: string): void {
  if (paused.delete(name)) {
    daemon.resume(name);
  } else {
    paused.add(name);
    daemon.suspend(name);
  }
}

/** Somebody who listens to libvirtd alone, in a process of its own. Resolves when it listens. */
async function rawListener(count: number): Promise<{ heardNs: Promise<string[]> }> {
  const peer = pythonPeer() ?? ours;
  const child = spawn(peer.command, [...peer.args, 'events', daemon.uri, String(count)], {
    env: peer.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  owned.defer(() => void child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.value !== 'ready') throw new Error(`the raw listener says ${String(first.value)}`);
  const heardNs = lines
    .next()
    .then(({ value }) => (JSON.parse(String(value)) as { heardNs: string[] }).heardNs);
  return { heardNs };
}
