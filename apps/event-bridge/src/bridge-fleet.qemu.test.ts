import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { heartbeatSchema, subjects, type Heartbeat, type HostPulse } from '@virtscope/contracts';
import {
  Health,
  Metrics,
  connectNats,
  createLogger,
  ensureBus,
  parseJson,
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
  type NatsServer,
  type PulseGuest,
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
let fleetFile: string;
let guests: string;
const pulses = new Map<string, HostPulse>();

beforeAll(async () => {
  libvirtd = stack.use(await startLibvirtd());
  nats = stack.use(await startNats());
  const dir = stack.use(await tempDir('vs-bridge-'));
  guests = join(dir.path, 'guests');
  await defineAndStart(libvirtd, guest('first'));
  await libvirtd.virsh('define', guest('second').xmlPath);
  fleetFile = join(dir.path, 'fleet.yaml');
  writeFleet(['hv1', 'nowhere']);
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
  nc.subscribe(subjects.heartbeatsOf('event-bridge'), {
    callback: (_error, message) => {
      const beat: Heartbeat = heartbeatSchema.parse(parseJson(message.data));
      for (const [host, pulse] of Object.entries(beat.hosts)) pulses.set(host, pulse);
    },
  });
  bridge = bridgeFleet(hands);
  // Whoever waits would wait in vain.
  bridge.catch(() => stop.abort());
  await synced();
});

afterAll(async () => {
  stop.abort();
  await bridge;
  await stack.disposeAsync();
});

function guest(name: string): PulseGuest {
  return pulseGuest(guests, { name });
}

function writeFleet(ids: string[], others: Readonly<Record<string, string>> = {}): void {
  const nowhere = `qemu+unix:///system?socket=${guests}/none`;
  const uris: Readonly<Record<string, string>> = { hv1: libvirtd.uri, nowhere, ...others };
  writeFileSync(
    fleetFile,
    ['hosts:', ...ids.map((id) => `  - { id: ${id}, uri: "${uris[id]}" }`), ''].join('\n'),
  );
}

function wait<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>) {
  return waitFor(async () => (await look()) || undefined, {
    what,
    timeoutMs: 30_000,
    signal: stop.signal,
  });
}

function synced(aboveEpoch = 0): Promise<HostPulse> {
  return wait(`hv1 synced above epoch ${aboveEpoch}`, () => {
    const pulse = pulses.get('hv1');
    return pulse?.link === 'synced' && pulse.epoch > aboveEpoch && pulse.verifiedAgeMs !== null
      ? pulse
      : undefined;
  });
}

/** Host, uuid, name, id and state of every domain, as virsh tells them. */
async function virshSays(): Promise<unknown[]> {
  const uuids = (await libvirtd.virsh('list', '--all', '--uuid')).split(/\s+/).filter(Boolean);
  const domains = await Promise.all(
    uuids.map(async (uuid) => {
      const info = await libvirtd.virsh('dominfo', uuid);
      const field = (name: string): string =>
        new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
      const id = field('Id');
      return {
        uuid,
        name: field('Name'),
        id: id === '-' ? null : Number(id),
        state: field('State').replace('shut off', 'shutoff'),
        persistent: field('Persistent') === 'yes',
      };
    }),
  );
  return domains.toSorted((a, b) => (a.uuid < b.uuid ? -1 : 1));
}

async function busSays(): Promise<unknown[]> {
  const rows = await bus.presences('hv1');
  return rows
    .map(({ uuid, name, id, state, persistent }) => ({ uuid, name, id, state, persistent }))
    .toSorted((a, b) => (a.uuid < b.uuid ? -1 : 1));
}

/** The bus and virsh, once they say the same or the deadline has passed. */
async function busEqualsVirsh(): Promise<void> {
  let virsh: unknown[] = [];
  let onBus: unknown[] = [];
  await wait('the bus to say what virsh says', async () => {
    [virsh, onBus] = await Promise.all([virshSays(), busSays()]);
    return JSON.stringify(virsh) === JSON.stringify(onBus);
  }).catch(() => undefined);
  expect(onBus).toEqual(virsh);
}

async function uuidOf(name: string): Promise<string> {
  return (await libvirtd.virsh('domuuid', name)).trim();
}

function kinds(uuid: string, from = 0): string[] {
  return bus
    .eventsOf('hv1', uuid)
    .slice(from)
    .map(({ kind }) => kind);
}

test('after the first sync the bus says what virsh says, with configuration and identity', async () => {
  expect(await busSays()).toEqual(await virshSays());
  const rows = await bus.presences('hv1');
  expect(rows).toHaveLength(2);
  for (const { config } of rows) {
    expect(config).toMatchObject({ arch: 'x86_64', memoryMaximumKiB: 16_384, virtType: 'qemu' });
    expect(config?.disks[0]).toMatchObject({ target: 'hda', bus: 'ide' });
  }
  await wait('the host record with its identity', async () => {
    const record = await bus.record('hv1');
    return record?.sync === 'synced' && record.hostUuid === libvirtd.hostUuid;
  });
  expect(await bus.record('hv1')).toMatchObject({ driver: 'QEMU', libvirtVersion: '9.0.0' });
});

test('every change by virsh is an event at once and a row soon after', async () => {
  const third = guest('third');
  await libvirtd.virsh('define', third.xmlPath);
  await libvirtd.virsh('start', 'third');
  await libvirtd.virsh('suspend', 'third');
  await libvirtd.virsh('resume', 'third');
  await busEqualsVirsh();
  await libvirtd.virsh('destroy', 'third');
  await busEqualsVirsh();
  await libvirtd.virsh('undefine', 'third');
  await busEqualsVirsh();
  const heard = bus.eventsOf('hv1', third.uuid);
  expect(heard.map(({ kind, detail }) => `${kind}/${detail}`)).toEqual([
    'defined/added',
    'resumed/unpaused',
    'started/booted',
    'suspended/paused',
    'resumed/unpaused',
    'shutdown/host',
    'stopped/destroyed',
    'undefined/removed',
  ]);
  const positions = heard.map(({ epoch, seq }) => ({ epoch, seq }));
  expect(heard.map(({ prev }) => prev)).toEqual([null, ...positions.slice(0, -1)]);
  const tombstone = (await bus.rows('hv1')).find(({ uuid }) => uuid === third.uuid);
  expect(tombstone).toMatchObject({ tombstone: { reason: 'gone' } });
});

test('a running domain that is undefined stays, as transient, until it stops', async () => {
  const fleeting = guest('fleeting');
  await defineAndStart(libvirtd, fleeting);
  await libvirtd.virsh('undefine', 'fleeting');
  await wait('a transient row', async () =>
    (await bus.presences('hv1')).some(
      ({ uuid, persistent, state }) =>
        uuid === fleeting.uuid && persistent === false && state === 'running',
    ),
  );
  await libvirtd.virsh('destroy', 'fleeting');
  await busEqualsVirsh();
  expect((await bus.presences('hv1')).map(({ uuid }) => uuid)).not.toContain(fleeting.uuid);
});

test('what changed while libvirtd was down lies between two gap marks, synthesised', async () => {
  await defineAndStart(libvirtd, guest('doomed'));
  await busEqualsVirsh();
  const { epoch } = await synced();
  const doomed = await uuidOf('doomed');
  const first = await uuidOf('first');
  const [before, beforeFirst] = [kinds(doomed).length, kinds(first).length];
  const pid = libvirtd.qemuPid('doomed');
  await libvirtd.kill();
  process.kill(pid, 'SIGKILL');
  await wait('the host to be lost', () => pulses.get('hv1')?.link === 'lost');
  // Nothing is reported gone or stopped while nobody can know.
  expect(kinds(doomed).slice(before)).toEqual([]);
  expect((await bus.presences('hv1')).map(({ uuid }) => uuid)).toContain(doomed);
  await libvirtd.start();
  const after = await synced(epoch);
  await busEqualsVirsh();
  expect(kinds(doomed, before)).toEqual(['stopped']);
  expect(kinds(first, beforeFirst)).toEqual([]);
  const ofEpoch = bus.eventsOf('hv1').filter((e) => e.epoch === after.epoch);
  expect(ofEpoch.map(({ kind, phase, synthesised }) => [kind, phase, synthesised])).toEqual([
    ['gap', 'begin', undefined],
    ['stopped', undefined, true],
    ['gap', 'end', undefined],
  ]);
});

test('bus rule 5: a domain undefined while libvirtd was down is gone after the next sync, by proof', async () => {
  const victim = guest('victim');
  await libvirtd.virsh('define', victim.xmlPath);
  await busEqualsVirsh();
  const { epoch } = await synced();
  await libvirtd.kill();
  rmSync(join(libvirtd.dir, 'etc/qemu/victim.xml'));
  await libvirtd.start();
  await synced(epoch);
  await busEqualsVirsh();
  const row = (await bus.rows('hv1')).find(({ uuid }) => uuid === victim.uuid);
  expect(row).toMatchObject({ tombstone: { reason: 'gone' } });
  expect(bus.eventsOf('hv1', victim.uuid).at(-1)).toMatchObject({
    kind: 'undefined',
    synthesised: true,
  });
});

test('NATS killed and restarted costs no event and no row', async () => {
  const during = guest('during');
  await nats.kill();
  await libvirtd.virsh('define', during.xmlPath);
  await nats.start();
  await busEqualsVirsh();
  await wait('the event of the outage', () => kinds(during.uuid).includes('defined'));
  expect(kinds(during.uuid)).toEqual(['defined']);
});

test('bus rule 4: a bus that comes back empty is filled again, and nothing is told to be gone', async () => {
  const { epoch } = await synced();
  const known = (await virshSays()) as { uuid: string }[];
  const from = bus.events.length;
  await nats.restartEmpty();
  await synced(epoch);
  await busEqualsVirsh();
  expect(known.length).toBeGreaterThan(0);
  const ends = bus.events
    .slice(from)
    .filter(({ kind }) => kind === 'undefined' || kind === 'stopped');
  expect(ends).toEqual([]);
});

test('bus rule 1: a stale word on a subject of ours is overwritten by the owner', async () => {
  const { epoch } = await synced();
  const [row] = await bus.presences('hv1');
  const stray = { ...row, epoch: epoch - 1, state: 'crashed' };
  const planted = await bus.plant(subjects.state('hv1', 'domain', row?.uuid ?? ''), stray);
  await busEqualsVirsh();
  expect(pulses.get('hv1')?.upTo).toBeGreaterThan(planted);
});

test('a host of libvirt 11 joins one of another version, and is told the same way', async () => {
  await using newer = await startLibvirtd({ name: 'hv2', version: '11' });
  const known = guest('known');
  await newer.virsh('define', known.xmlPath);
  writeFleet(['hv1', 'nowhere', 'hv2'], { hv2: newer.uri });
  await wait('hv2 synced', async () => (await bus.record('hv2'))?.sync === 'synced');
  expect(await bus.presences('hv2')).toMatchObject([
    { uuid: known.uuid, state: 'shutoff', config: { arch: 'x86_64', memoryMaximumKiB: 16_384 } },
  ]);
  await wait('its identity', async () => {
    const record = await bus.record('hv2');
    return record?.hostUuid === newer.hostUuid && record.libvirtVersion?.startsWith('11.');
  });
  const life = guest('life');
  await defineAndStart(newer, life);
  for (const step of ['suspend', 'resume', 'destroy', 'undefine']) await newer.virsh(step, 'life');
  await wait('the end of the life', () =>
    bus.eventsOf('hv2', life.uuid).some(({ kind }) => kind === 'undefined'),
  );
  expect(bus.eventsOf('hv2', life.uuid).map(({ kind, detail }) => `${kind}/${detail}`)).toEqual([
    'defined/added',
    'resumed/unpaused',
    'started/booted',
    'suspended/paused',
    'resumed/unpaused',
    'shutdown/host',
    'stopped/destroyed',
    'undefined/removed',
  ]);
  writeFleet(['hv1', 'nowhere']);
  await wait('hv2 to leave', async () =>
    (await bus.rows('hv2')).every((row) => 'tombstone' in row),
  );
});

test('an unreachable host says why, and a host that leaves the inventory ends as removed', async () => {
  await wait('the report of the unreachable host', async () => {
    const record = await bus.record('nowhere');
    return record?.sync === 'lost' && record.problem?.includes('none') === true;
  });
  const uuids = (await bus.presences('hv1')).map(({ uuid }) => uuid);
  writeFleet(['nowhere']);
  await wait('the rows of the removed host to end', async () => {
    const rows = await bus.rows('hv1');
    return rows
      .filter(({ uuid }) => uuids.includes(uuid))
      .every((row) => 'tombstone' in row && row.tombstone.reason === 'host-removed');
  });
  expect(uuids).not.toEqual([]);
  writeFleet(['hv1', 'nowhere']);
  await busEqualsVirsh();
});

test('every call is billed under a reason, and none of them is a poll', async () => {
  const bill = await metrics.registry.getSingleMetric('virtscope_libvirt_calls_total')?.get();
  const reasons = new Set(bill?.values.map(({ labels }) => labels['reason']));
  const known = ['bring-up', 'events', 'session', 'identity', 'sync', 'event', 'audit'];
  expect([...reasons].filter((reason) => !known.includes(String(reason)))).toEqual([]);
  expect(reasons).toContain('event');
});
