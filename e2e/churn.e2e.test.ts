/**
 * Four hosts that churn while libvirtd, NATS and event-bridge are killed at random, from a seed. At
 * the end the view is what libvirt says, field by field, and so is what the events told.
 */
import { createHash, randomInt, randomUUID } from 'node:crypto';
import {
  Stack,
  pulseGuest,
  startLibvirtd,
  tempDir,
  type Libvirtd,
  type PulseGuest,
} from '@virtscope/testkit';
import type { HttpDomain } from '@virtscope/contracts';
import { connect } from 'node-libvirt';
import { domainStateName, domainStateReasonName } from 'node-libvirt/constants';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DurableReader } from './durable-reader.ts';

const full = Number(process.env['VIRTSCOPE_FULL'] ?? 0) > 0;
const operations = full ? 2_000 : 200;
const seed = Number(process.env['VIRTSCOPE_SEED'] ?? randomInt(2 ** 31));

const owned = new AsyncDisposableStack();
const random = mulberry32(seed);
const guests: PulseGuest[] = [];
const counts: Record<string, number> = {};
let hv2: Libvirtd;
let stack: Stack;

beforeAll(async () => {
  hv2 = owned.use(await startLibvirtd({ name: 'hv2' }));
  const { path } = owned.use(await tempDir('vs-churn-'));
  // The UUIDs are not the seed's: they decide nothing.
  for (let n = 0; n < 6; n++) guests.push(pulseGuest(path, { name: `g${n}`, uuid: randomUUID() }));
  stack = owned.use(
    await Stack.start(() => [
      `  - { id: hv2, uri: "${hv2.uri}" }`,
      `  - { id: test2, uri: "${hv2.testUri}", identity: hostname }`,
    ]),
  );
  await stack.live('hv1', 'hv2', 'test1', 'test2');
}, 120_000);

afterAll(() => owned.disposeAsync());

const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
const hosts = (): Record<string, Libvirtd> => ({ hv1: stack.libvirtd, hv2 });

/** What libvirt refuses, as the domain is in another state, is an operation that did nothing. */
async function virsh(host: Libvirtd, ...args: string[]): Promise<void> {
  await host.virsh(...args).catch(() => undefined);
}

/** Each with its share of the dice. */
const deeds: [number, string, () => Promise<void> | void][] = [
  [14, 'define', () => virsh(pick([stack.libvirtd, hv2]), 'define', pick(guests).xmlPath)],
  [20, 'start', () => virsh(pick([stack.libvirtd, hv2]), 'start', pick(guests).name)],
  [10, 'destroy', () => virsh(pick([stack.libvirtd, hv2]), 'destroy', pick(guests).name)],
  [8, 'suspend', () => virsh(pick([stack.libvirtd, hv2]), 'suspend', pick(guests).name)],
  [8, 'resume', () => virsh(pick([stack.libvirtd, hv2]), 'resume', pick(guests).name)],
  [6, 'undefine', () => virsh(pick([stack.libvirtd, hv2]), 'undefine', pick(guests).name)],
  [6, 'migrate', migrate],
  [4, 'kill a QEMU', killQemu],
  [10, 'test driver', testDriver],
  [5, 'kill libvirtd', () => killAndStart(pick([stack.libvirtd, hv2]))],
  [3, 'kill NATS', () => killAndStart(stack.nats)],
  [4, 'kill event-bridge', () => killAndStart(stack.services['event-bridge'])],
  [2, 'pause event-bridge', pauseBridge],
];

function migrate(): Promise<void> {
  const [from, to] = pick([
    [stack.libvirtd, hv2],
    [hv2, stack.libvirtd],
  ] as const);
  const flags = ['--live', '--persistent', '--unsafe', '--migrateuri', 'tcp:127.0.0.1'];
  return virsh(from, 'migrate', ...flags, pick(guests).name, to.uriRw);
}

function killQemu(): void {
  try {
    process.kill(pick([stack.libvirtd, hv2]).qemuPid(pick(guests).name), 'SIGKILL');
  } catch {
    // it does not run there
  }
}

async function testDriver(): Promise<void> {
  const command = pick(['start', 'destroy', 'suspend', 'resume']);
  await pick([stack.libvirtd, hv2])
    .virshTest(command, 'test')
    .catch(() => undefined);
}

async function killAndStart(server: {
  kill(): Promise<void>;
  start(): Promise<void>;
}): Promise<void> {
  await server.kill();
  await server.start();
}

async function pauseBridge(): Promise<void> {
  const bridge = stack.services['event-bridge'];
  bridge.pause();
  // Something happens while it sleeps.
  await virsh(pick([stack.libvirtd, hv2]), pick(['start', 'destroy']), pick(guests).name);
  bridge.resume();
}

async function doOne(): Promise<void> {
  const total = deeds.reduce((sum, [weight]) => sum + weight, 0);
  let dice = random() * total;
  for (const [weight, name, deed] of deeds) {
    dice -= weight;
    if (dice > 0) continue;
    counts[name] = (counts[name] ?? 0) + 1;
    await deed();
    return;
  }
}

type Line = Record<string, unknown>;

/** Every domain of every host, as libvirt says it now. */
async function libvirtSays(): Promise<Line[]> {
  const lines: Line[] = [];
  for (const [id, host] of Object.entries(hosts())) {
    for (const [name, uri] of [
      [id, host.uri],
      [id.replace('hv', 'test'), host.testUri],
    ] as const) {
      await using session = await connect(uri);
      for (const domain of await session.connectListAllDomains()) {
        const { state, reason } = await session.domainGetState(domain);
        const xml = await session.domainGetXmlDesc(domain, {});
        lines.push({
          host: name,
          uuid: domain.uuid,
          name: domain.name,
          id: domain.id < 0 ? null : domain.id,
          state: domainStateName(state),
          stateReason: domainStateReasonName(state, reason),
          persistent: await session.domainIsPersistent(domain),
          autostart: await session.domainGetAutostart(domain).catch(() => null),
          managedSave: await session.domainHasManagedSaveImage(domain).catch(() => null),
          xml: createHash('sha256').update(xml).digest('hex'),
        });
      }
    }
  }
  return lines.toSorted(byKey);
}

async function viewSays(): Promise<Line[]> {
  return (await stack.domains())
    .map(({ host, uuid, name, id, state, stateReason, ...rest }: HttpDomain) => ({
      host,
      uuid,
      name,
      id,
      state,
      stateReason,
      persistent: rest.persistent,
      autostart: rest.autostart,
      managedSave: rest.managedSave,
      xml: rest.config?.xmlHash,
    }))
    .toSorted(byKey);
}

const text = (map: ReadonlyMap<string, unknown>): string =>
  [...map]
    .map(([key, value]) => `${key} ${String(value)}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join('\n');

const keyOf = ({ host, uuid }: Line): string => `${String(host)}/${String(uuid)}`;
const byKey = (a: Line, b: Line): number => (keyOf(a) < keyOf(b) ? -1 : 1);

test(
  `churn of ${operations} operations under faults, seed ${seed}`,
  { timeout: 3_000_000 },
  async () => {
    process.stderr.write(`churn: VIRTSCOPE_SEED=${seed}\n`);
    for (let n = 0; n < operations; n++) await doOne();
    await stack.live('hv1', 'hv2', 'test1', 'test2');
    let [view, libvirt]: Line[][] = [[], []];
    await stack
      .until('the view to be what libvirt says', async () => {
        [libvirt, view] = await Promise.all([libvirtSays(), viewSays()]);
        return JSON.stringify(view) === JSON.stringify(libvirt);
      })
      .catch(() => undefined);
    expect(view, JSON.stringify(counts)).toEqual(libvirt);
    const reader = new DurableReader();
    const runs = new Map(
      (libvirt ?? []).flatMap((line) => {
        const { state } = line;
        return state === 'shutoff' || state === 'crashed' ? [] : [[keyOf(line), state] as const];
      }),
    );
    await stack
      .until('the events to say the same', async () => {
        await reader.catchUp(stack.nc);
        return text(reader.believed) === text(runs);
      })
      .catch(() => undefined);
    expect(text(reader.believed), JSON.stringify(counts)).toEqual(text(runs));
    expect(reader.holes, JSON.stringify(counts)).toEqual([]);
    const rereads = await stack.services['query-api'].metric('virtscope_view_rereads_total');
    expect(rereads.filter(({ value }) => value > 0)).toEqual([]);
  },
);

function mulberry32(from: number): () => number {
  let a = from;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
