/** Two replicas of a writer share a fleet; one dies, one sleeps and wakes. */
import {
  heartbeatSchema,
  heartbeatTtlMs,
  statsPageSchema,
  subjects,
  type HostPulse,
} from '@virtscope/contracts';
import { Stack, startService, tempDir, type ServiceProcess } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const hosts = ['hv1', 'test1'];

const owned = new AsyncDisposableStack();
let stack: Stack;
let bridges: ServiceProcess[];
let samplers: ServiceProcess[];
/** Host → replica → its newest pulse, and when it was heard. */
const pulses = new Map<string, Map<string, HostPulse & { heardMs: number }>>();

beforeAll(async () => {
  stack = owned.use(await Stack.start());
  await stack.startGuest('steady');
  const dir = owned.use(await tempDir());
  const { fleetFile, nats, redis, services } = stack;
  const surroundings = { dir: dir.path, fleetFile, natsUrl: nats.url, redisUrl: redis.url };
  const bridge = owned.use(await startService({ name: 'event-bridge', ...surroundings }));
  const sampler = owned.use(await startService({ name: 'stats-sampler', ...surroundings }));
  bridges = [services['event-bridge'], bridge];
  samplers = [services['stats-sampler'], sampler];
  stack.nc.subscribe(subjects.heartbeatsOf('event-bridge'), {
    callback: (_error, message) => {
      const { replica, hosts: beaten } = heartbeatSchema.parse(message.json());
      for (const [host, pulse] of Object.entries(beaten)) {
        const ofHost = pulses.get(host) ?? new Map<string, HostPulse & { heardMs: number }>();
        pulses.set(host, ofHost.set(replica, { ...pulse, heardMs: performance.now() }));
      }
    },
  });
  await stack.live();
});

afterAll(() => owned.disposeAsync());

/** The replicas that say now that they hold the host. */
function holders(host: string): string[] {
  const now = performance.now();
  return [...(pulses.get(host) ?? [])]
    .filter(([, pulse]) => now - pulse.heardMs < heartbeatTtlMs && pulse.released !== true)
    .map(([replica]) => replica);
}

/** The process of a replica: its id ends with its pid. */
function processOf(replica: string | undefined, among = bridges): ServiceProcess {
  const found = among.find(({ pid }) => replica?.endsWith(`-${pid}`) === true);
  if (found === undefined) throw new Error(`no process of replica ${replica}`);
  return found;
}

async function oneHolderEach(): Promise<void> {
  await stack.until('one holder for each host', () =>
    hosts.every((host) => holders(host).length === 1),
  );
  await stack.live();
}

function ends(from: number): string[] {
  return stack.events
    .slice(from)
    .filter(({ kind }) => kind === 'undefined' || kind === 'stopped')
    .map(({ kind, name }) => `${name} ${kind}`);
}

test('every host is held by exactly one replica', async () => {
  await oneHolderEach();
  expect(hosts.map((host) => holders(host).length)).toEqual([1, 1]);
});

test('a killed replica is replaced within ten seconds, and nothing is told to be gone', async () => {
  await oneHolderEach();
  const from = stack.events.length;
  const killed = processOf(holders('hv1')[0]);
  await killed.kill();
  await stack.until('the host to leave live', async () => (await stack.trust('hv1')) !== 'live');
  await stack.until(
    'the host to be live again',
    async () => (await stack.trust('hv1')) === 'live',
    10_000,
  );
  const { http, virsh } = await stack.settled();
  expect(http).toEqual(virsh);
  expect(ends(from)).toEqual([]);
  await killed.start();
  await oneHolderEach();
});

test('bus rules 1, 3 and 8: a paused replica that wakes is fenced: nobody believes its word', async () => {
  await oneHolderEach();
  const before = holders('hv1')[0];
  const sleeper = processOf(before);
  sleeper.pause();
  await stack.until('another holder', () => holders('hv1').some((holder) => holder !== before));
  await stack.live();
  await stack.libvirtd.virsh('suspend', 'steady');
  expect((await stack.settled()).http).toEqual(await stack.virshSays());
  sleeper.resume();
  await stack.libvirtd.virsh('resume', 'steady');
  await oneHolderEach();
  const { http, virsh } = await stack.settled();
  expect(http).toEqual(virsh);
  // A reader that starts now sees what one that ran throughout sees.
  await stack.services['query-api'].restart();
  await stack.live();
  expect(await stack.httpSays()).toEqual(http);
});

test('a stopped replica hands over at once', async () => {
  await oneHolderEach();
  const from = stack.events.length;
  const leaving = processOf(holders('hv1')[0]);
  await leaving.stop();
  await stack.live();
  const { http, virsh } = await stack.settled();
  expect(http).toEqual(virsh);
  expect(ends(from)).toEqual([]);
});

test('a killed sampler is replaced within ten seconds, under a higher epoch', async () => {
  const pages: { host: string; epoch: number; heardMs: number }[] = [];
  stack.nc.subscribe(subjects.statsOfAll, {
    callback: (_error, message) => {
      const { host, epoch } = statsPageSchema.parse(message.json());
      pages.push({ host, epoch, heardMs: performance.now() });
    },
  });
  const holderOf = new Map<string, string>();
  stack.nc.subscribe(subjects.heartbeatsOf('stats-sampler'), {
    callback: (_error, message) => {
      const { replica, hosts: beaten } = heartbeatSchema.parse(message.json());
      for (const [host, { released }] of Object.entries(beaten)) {
        if (released !== true) holderOf.set(host, replica);
      }
    },
  });
  await stack.until('samples of hv1, and who takes them', () => {
    return pages.some(({ host }) => host === 'hv1') && holderOf.has('hv1');
  });
  const before = holderOf.get('hv1');
  const killed = processOf(before, samplers);
  const epochBefore = Math.max(...pages.filter(({ host }) => host === 'hv1').map((p) => p.epoch));
  await killed.kill();
  await stack.until(
    'samples of the other one',
    () => pages.some(({ host, epoch }) => host === 'hv1' && epoch > epochBefore),
    10_000,
  );
  expect(holderOf.get('hv1')).not.toBe(before);
});
