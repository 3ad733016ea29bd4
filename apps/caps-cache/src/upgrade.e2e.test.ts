/** A host's libvirt and QEMU are upgraded under it: the daemon at its address becomes another one. */
import { renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  capabilitiesChangedKind,
  capsHistoryReplySchema,
  eventDataSchema,
  subjects,
  type CapabilitiesDiff,
  type DomainCapabilities,
  type EventData,
  type FactQuestion,
} from '@virtscope/contracts';
import { createLogger, ensureBus, systemClock } from '@virtscope/runtime';
import { startLibvirtd, waitFor, type Libvirtd } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CapsBench } from './caps-bench.fixture.ts';

const owned = new AsyncDisposableStack();
const events: EventData[] = [];
const q35: FactQuestion = { type: 'domain', emulator: { machine: 'q35', virtType: 'qemu' } };
let bench: CapsBench;
let recent: Libvirtd;
let socket: string;

beforeAll(async () => {
  bench = owned.use(
    await CapsBench.start((dir) => {
      socket = join(dir, 'upgraded.sock');
      return [`  - { id: upgraded, uri: "qemu:///system?socket=${socket}" }`];
    }),
  );
  recent = owned.use(await startLibvirtd({ name: 'hv11', version: '11' }));
  const log = createLogger('test', 'test', 'silent');
  await ensureBus(bench.nc, { clock: systemClock, log, signal: new AbortController().signal });
  bench.nc.subscribe(subjects.eventsWhere({ host: 'upgraded', kind: capabilitiesChangedKind }), {
    callback: (_error, message) => {
      events.push(eventDataSchema.parse(message.json()));
    },
  });
});

afterAll(() => owned.disposeAsync());

function runs(daemon: Libvirtd): void {
  const next = join(dirname(socket), 'next.sock');
  symlinkSync(daemon.socket, next);
  renameSync(next, socket);
}

/** The machine type that the alias stands for in what is answered about the host, and its kind. */
async function told(): Promise<{ machines: string[]; probed: string | undefined }> {
  const [caps, fact] = [await bench.ask('upgraded'), await bench.askFact('upgraded', q35)];
  const machines = caps.ok
    ? caps.document.guests.flatMap(({ arch, machines: all }) =>
        arch === 'x86_64' ? all.map(({ name }) => name) : [],
      )
    : [];
  return { machines, probed: fact.ok ? (fact.document as DomainCapabilities).machine : undefined };
}

const difference = ({ payload }: EventData): CapabilitiesDiff =>
  payload?.['difference'] as CapabilitiesDiff;

test('the pointer moves, the change is told with what came and went, and nothing old is answered as new', async () => {
  runs(bench.libvirtd);
  const service = await bench.service('first', { domainCapabilities: true });
  const before = await bench.answer('upgraded');
  await bench.fact('upgraded', q35);
  await bench.untilStored('upgraded');
  runs(recent);
  await bench.libvirtd.kill();
  const seen: Awaited<ReturnType<typeof told>>[] = [];
  await waitFor(
    async () => {
      seen.push(await told());
      return seen.at(-1)?.probed === 'pc-q35-10.0';
    },
    { what: 'the new answers', timeoutMs: 45_000 },
  );
  // Once the new document was answered, nothing of the older kind is any more.
  const first = seen.findIndex(({ machines }) => machines.includes('pc-q35-10.0'));
  expect(first).toBeGreaterThanOrEqual(0);
  for (const { machines, probed } of seen.slice(first)) {
    expect(machines).not.toContain('pc-q35-2.0');
    expect([undefined, 'pc-q35-10.0']).toContain(probed);
  }
  await waitFor(() => events.length === 1, { what: 'the event' });
  const [event] = events as [EventData];
  expect(event).toMatchObject({ role: 'caps-cache', host: 'upgraded', seq: 1, prev: null });
  expect(event.payload).toMatchObject({
    before: { hash: before.hash, hypervisorVersion: 7_002_022 },
    after: { libvirtVersion: 11_003_000 },
  });
  expect(difference(event).machines?.added).toContain('x86_64 pc-q35-10.0');
  const after = await bench.answer('upgraded');
  expect(event.payload).toMatchObject({ after: { hash: after.hash } });
  await waitFor(async () => (await bench.stored('upgraded'))?.hash === after.hash, {
    what: 'the pointer to move',
  });
  await service.stop();
});

test('a change while nobody watched is told by whoever comes next, after the last one', async () => {
  await bench.libvirtd.start();
  runs(bench.libvirtd);
  const service = await bench.service('second', { domainCapabilities: true });
  await bench.answer('upgraded');
  await waitFor(() => events.length === 2, { what: 'the event' });
  const [first, second] = events as [EventData, EventData];
  expect(second.prev).toEqual({ epoch: first.epoch, seq: first.seq });
  expect(second.epoch).toBeGreaterThan(first.epoch);
  expect(difference(second).machines?.removed).toContain('x86_64 pc-q35-10.0');
  expect(difference(second).machines?.added).toEqual(difference(first).machines?.removed);
  const history = await waitFor(
    async () => {
      const reply = await bench.nc.request(subjects.historyOfHost('upgraded'));
      const said = capsHistoryReplySchema.parse(reply.json());
      return said.ok && said.history.length === 3 && said.history;
    },
    { what: 'the history' },
  );
  expect(history.map(({ libvirtVersion }) => libvirtVersion)).toEqual([
    9_000_000, 11_003_000, 9_000_000,
  ]);
  expect(history[0]?.hash).toBe(history[2]?.hash);
  await service.stop();
});
