/** Networks, pools, node devices and secrets of a real libvirtd and of its test driver, on the bus. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isThingTombstone, type ThingPresence, type ThingRowType } from '@virtscope/contracts';
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
  startLibvirtd,
  startNats,
  tempDir,
  waitFor,
  type Libvirtd,
  type NatsServer,
} from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bridgeFleet } from './bridge-fleet.ts';
import { BusObserver } from './bus-observer.fixture.ts';

const stack = new AsyncDisposableStack();
const stop = new AbortController();
const metrics = new Metrics('event-bridge');
let libvirtd: Libvirtd;
let nats: NatsServer;
let bus: BusObserver;
let bridge: Promise<void>;
let files: string;

const network = {
  id: '11111111-0000-4000-8000-000000000001',
  // It takes a bridge that is said to be there as it is: starting it changes nothing on the machine.
  xml: `<network><name>lan</name><uuid>11111111-0000-4000-8000-000000000001</uuid>
    <forward mode='bridge'/><bridge name='vs-none'/></network>`,
};
const secret = {
  id: '22222222-0000-4000-8000-000000000001',
  xml: `<secret ephemeral='no' private='yes'><uuid>22222222-0000-4000-8000-000000000001</uuid>
    <usage type='ceph'><name>client.vs</name></usage></secret>`,
};

beforeAll(async () => {
  libvirtd = stack.use(await startLibvirtd());
  nats = stack.use(await startNats());
  files = stack.use(await tempDir('vs-things-')).path;
  const fleetFile = join(files, 'fleet.yaml');
  writeFileSync(
    fleetFile,
    `hosts:
  - { id: hv1, uri: "${libvirtd.uri}" }
  - { id: tst, uri: "${libvirtd.testUri}", identity: hostname }
`,
  );
  const hands: Hands = {
    name: 'event-bridge',
    replica: 'test',
    env: readEnv({ VIRTSCOPE_FLEET: fleetFile, VIRTSCOPE_NATS_URL: nats.url }),
    log: createLogger('event-bridge', 'test', process.env['VIRTSCOPE_LOG_LEVEL'] ?? 'silent'),
    metrics,
    clock: systemClock,
    health: new Health(),
    signal: stop.signal,
  };
  const nc = stack.use(await connectNats({ ...hands, name: 'observer' }));
  await ensureBus(nc, hands);
  bus = new BusObserver(nc);
  bridge = bridgeFleet(hands);
  // Whoever waits would wait in vain.
  bridge.catch(() => stop.abort());
  await synced('hv1');
});

afterAll(async () => {
  stop.abort();
  await bridge;
  await stack.disposeAsync();
});

function wait<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>) {
  return waitFor(async () => (await look()) || undefined, {
    what,
    timeoutMs: 30_000,
    signal: stop.signal,
  });
}

function synced(host: string, aboveEpoch = 0): Promise<{ epoch: number }> {
  return wait(`${host} synced above epoch ${aboveEpoch}`, async () => {
    const record = await bus.record(host);
    return record?.sync === 'synced' && record.epoch > aboveEpoch ? record : undefined;
  });
}

function file(name: string, content: string): string {
  const path = join(files, name);
  writeFileSync(path, content);
  return path;
}

async function rowsOf(host: string, type: ThingRowType): Promise<ThingPresence[]> {
  const rows = await bus.things(host);
  return rows.filter((row): row is ThingPresence => row.type === type && !isThingTombstone(row));
}

async function row(id: string, fits: (row: ThingPresence) => boolean): Promise<ThingPresence> {
  return await wait(`a row of ${id} that fits`, async () =>
    (await bus.things('hv1')).find(
      (each): each is ThingPresence => each.id === id && !isThingTombstone(each) && fits(each),
    ),
  );
}

const isRead = ({ stateFrom }: ThingPresence): boolean => stateFrom === 'read';

async function gone(id: string): Promise<void> {
  await wait(`${id} to be gone`, async () =>
    (await bus.things('hv1')).some(
      (each) => each.id === id && isThingTombstone(each) && each.tombstone.reason === 'gone',
    ),
  );
}

async function heard(id: string, ...kinds: string[]): Promise<void> {
  await wait(`${kinds.join()} of ${id}`, () => {
    const told = bus.eventsOfThing('hv1', id);
    return kinds.every((kind) => told.some((event) => event.kind === kind));
  });
}

/** Kinds that were told of a thing, each event after the one that it names as its `prev`. */
function story(id: string): string[] {
  const told = bus.eventsOfThing('hv1', id);
  const positions = told.map(({ epoch, seq }) => ({ epoch, seq }));
  expect(told.map(({ prev }) => prev)).toEqual([null, ...positions.slice(0, -1)]);
  return told.map(({ kind, synthesised }) => (synthesised ? `${kind} (found)` : kind));
}

test('each change of a network is an event at once and a row soon after', async () => {
  await libvirtd.virsh('net-define', file('lan.xml', network.xml));
  await row(network.id, (each) => isRead(each) && each.config !== undefined);
  await libvirtd.virsh('net-start', 'lan');
  expect(await row(network.id, (each) => isRead(each) && each.active === true)).toMatchObject({
    type: 'network',
    host: 'hv1',
    uuid: network.id,
    name: 'lan',
    persistent: true,
    autostart: false,
    config: { network: { bridge: 'vs-none', forward: 'bridge' } },
  });
  await libvirtd.virsh('net-undefine', 'lan');
  await row(network.id, (each) => isRead(each) && each.persistent === false);
  await libvirtd.virsh('net-destroy', 'lan');
  await gone(network.id);
  expect(story(network.id)).toEqual(['defined', 'started', 'undefined', 'stopped']);
});

test('each change of a pool is an event, and its row tells state and sizes', async () => {
  const path = join(files, 'pool');
  await libvirtd.virsh('pool-define-as', 'p1', 'dir', '--target', path);
  const id = (await libvirtd.virsh('pool-uuid', 'p1')).trim();
  await libvirtd.virsh('pool-build', 'p1');
  await libvirtd.virsh('pool-start', 'p1');
  const active = await row(id, (each) => isRead(each) && each.config?.pool?.state === 'running');
  expect(active).toMatchObject({ name: 'p1', active: true, persistent: true });
  expect(active.config?.pool).toMatchObject({ backend: 'dir', path });
  expect(active.config?.pool?.capacityBytes).toBeGreaterThan(0);
  await libvirtd.virsh('pool-refresh', 'p1');
  await heard(id, 'refresh');
  await libvirtd.virsh('pool-destroy', 'p1');
  await row(id, (each) => isRead(each) && each.config?.pool?.state === 'inactive');
  await libvirtd.virsh('pool-delete', 'p1');
  await libvirtd.virsh('pool-undefine', 'p1');
  await gone(id);
  expect(story(id)).toEqual([
    'defined',
    'created',
    'started',
    'refresh',
    'stopped',
    'deleted',
    'undefined',
  ]);
});

test('a secret tells what it is for, and when its value changes, but never its value', async () => {
  await libvirtd.virsh('secret-define', file('secret.xml', secret.xml));
  expect(await row(secret.id, (each) => each.config !== undefined)).toMatchObject({
    name: 'client.vs',
    active: null,
    config: { secret: { usage: 'ceph', usageId: 'client.vs', private: true, ephemeral: false } },
  });
  const value = Buffer.from('do not tell').toString('base64');
  await libvirtd.virsh('secret-set-value', secret.id, '--file', file('value', value));
  await heard(secret.id, 'value-changed');
  await libvirtd.virsh('secret-undefine', secret.id);
  await gone(secret.id);
  expect(story(secret.id)).toEqual(['defined', 'value-changed', 'undefined']);
  expect(JSON.stringify([bus.events, await bus.things('hv1')])).not.toContain(value);
});

test('the node devices on the bus are those that virsh lists, with what they are', async () => {
  let virsh: string[] = [];
  let onBus: string[] = [];
  // Other hosts of this machine come and go, and their devices with them.
  await wait('the same devices', async () => {
    virsh = (await libvirtd.virsh('nodedev-list')).split(/\s+/).filter(Boolean).toSorted();
    const rows = await rowsOf('hv1', 'nodedev');
    onBus = rows
      .filter(({ config }) => config !== undefined)
      .map(({ id }) => id)
      .toSorted();
    return JSON.stringify(virsh) === JSON.stringify(onBus);
  }).catch(() => undefined);
  expect(onBus).toEqual(virsh);
  const computer = (await rowsOf('hv1', 'nodedev')).find(({ id }) => id === 'computer');
  expect(computer?.config?.nodedev?.capabilities).toContain('system');
});

test('what changed while libvirtd was down is told between the gap marks, and nothing else', async () => {
  const kept = join(files, 'kept');
  mkdirSync(kept);
  await libvirtd.virsh('net-define', file('lan.xml', network.xml));
  await libvirtd.virsh('net-start', 'lan');
  await libvirtd.virsh('secret-define', file('secret.xml', secret.xml));
  await libvirtd.virsh('pool-define-as', 'kept', 'dir', '--target', kept);
  await libvirtd.virsh('pool-start', 'kept');
  const keptId = (await libvirtd.virsh('pool-uuid', 'kept')).trim();
  for (const id of [network.id, secret.id, keptId]) {
    await row(id, (each) => isRead(each) && each.config !== undefined);
  }
  await row(network.id, (each) => isRead(each) && each.active === true);
  await row(keptId, (each) => isRead(each) && each.active === true);
  const from = bus.events.length;
  const { epoch } = await synced('hv1');
  await libvirtd.kill();
  rmSync(join(libvirtd.dir, `etc/secrets/${secret.id}.xml`));
  const placed = '33333333-0000-4000-8000-000000000001';
  writeFileSync(
    join(libvirtd.dir, 'etc/qemu/networks/placed.xml'),
    `<network><name>placed</name><uuid>${placed}</uuid></network>`,
  );
  await libvirtd.start();
  const after = await synced('hv1', epoch);
  await gone(secret.id);
  const told = bus.events
    .slice(from)
    .filter((e) => e.host === 'hv1' && e.epoch === after.epoch && e.thing?.type !== 'nodedev')
    .map((e) => `${e.phase ?? e.kind} ${e.thing?.id ?? ''} ${e.synthesised ?? ''}`.trim());
  expect(told[0]).toBe('begin');
  expect(new Set(told.slice(1, -1))).toEqual(
    new Set([
      `defined ${placed} true`,
      // A libvirtd that starts looks for the network's bridge, and there is none.
      `stopped ${network.id} true`,
      `undefined ${secret.id} true`,
    ]),
  );
  expect(told).toHaveLength(5);
  expect(told.at(-1)).toBe('end');
  // Every row that stands was written anew before the host was said to be synced.
  const epochs = (await bus.things('hv1'))
    .filter((each) => !isThingTombstone(each))
    .map((each) => each.epoch);
  expect(new Set(epochs)).toEqual(new Set([after.epoch]));
  await libvirtd.virsh('net-undefine', 'lan');
  await gone(network.id);
});

test('a driver without secrets is synced all the same, and the record names what it lacks', async () => {
  await synced('tst');
  const record = await bus.record('tst');
  expect(record?.missingKinds).toEqual(
    expect.arrayContaining(['secret', 'secret-lifecycle', 'network-metadata-change']),
  );
  expect(record?.missingKinds).not.toContain('network');
  expect((await rowsOf('tst', 'network')).map(({ name }) => name)).toEqual(['default']);
  expect((await rowsOf('tst', 'pool')).map(({ name }) => name)).toEqual(['default-pool']);
  expect((await rowsOf('tst', 'nodedev')).map(({ id }) => id)).toContain('computer');
  await libvirtd.virshTest('net-define', file('lan.xml', network.xml));
  await wait('the network of the test driver', async () =>
    (await rowsOf('tst', 'network')).some(({ name }) => name === 'lan'),
  );
});

test('every call about a thing is billed under its reason, and none of them is a poll', async () => {
  const bill = await metrics.registry.getSingleMetric('virtscope_libvirt_calls_total')?.get();
  const reasons = new Set(
    bill?.values
      .filter(({ labels }) => /Network|Pool|NodeDevice|Secret/.test(String(labels['procedure'])))
      .map(({ labels }) => labels['reason']),
  );
  const known = ['events', 'sync', 'event', 'audit'];
  expect([...reasons].filter((reason) => !known.includes(String(reason)))).toEqual([]);
  expect(reasons).toContain('event');
});
