import { join } from 'node:path';
import { expect, test } from 'vitest';
import { statusOk } from '../libvirt-wire/frame.ts';
import { messages, procedures as p } from '../libvirt-wire/procedures.ts';
import { RawClient } from '../libvirt-wire/raw-client.ts';
import { WireReader } from '../libvirt-wire/wire-reader.ts';
import type { WireWriter } from '../libvirt-wire/wire-writer.ts';
import { tempDir } from '../temp-dir.ts';
import { waitFor } from '../wait-for.ts';
import { startSimulatedDaemon } from './server.ts';

const words =
  (...values: number[]) =>
  (writer: WireWriter): void => {
    for (const value of values) writer.uint(value);
  };

test('many daemons live in one process, each with its own host and domains', async () => {
  await using dir = await tempDir();
  await using daemons = new AsyncDisposableStack();
  for (const hostname of ['hv1', 'hv2', 'hv3']) {
    const socketPath = join(dir.path, hostname);
    daemons.use(await startSimulatedDaemon({ socketPath, hostname, domains: 1 }));
  }
  const answers = await Promise.all(
    ['hv1', 'hv2', 'hv3'].map(async (hostname) => {
      using client = await RawClient.open(join(dir.path, hostname));
      const name = await client.call(p.connectGetHostname);
      const list = await client.call(p.connectListAllDomains, words(1, 0));
      const reader = new WireReader(list.payload, 4);
      return [new WireReader(name.payload, 0).string(), reader.domain().uuid];
    }),
  );
  expect(answers.map(([name]) => name)).toEqual(['hv1', 'hv2', 'hv3']);
  expect(new Set(answers.map(([, uuid]) => uuid)).size).toBe(3);
});

test('what a test does to a domain, every registered client hears, and all see', async () => {
  await using dir = await tempDir();
  const socketPath = join(dir.path, 'sock');
  await using daemon = await startSimulatedDaemon({ socketPath, hostname: 'hv1', domains: 1 });
  using one = await RawClient.open(socketPath);
  using two = await RawClient.open(socketPath);
  for (const client of [one, two]) {
    await client.call(p.connectDomainEventCallbackRegisterAny, words(0, 0));
  }
  daemon.destroy('vm00001');
  daemon.start('vm00001');
  daemon.undefine('vm00001');
  daemon.destroy('vm00001');
  for (const { messages: heard } of [one, two]) {
    await waitFor(() => heard.length === 7, { what: 'seven events' });
    expect(
      heard.every(({ header }) => header.procedure === messages.domainEventCallbackLifecycle),
    ).toBe(true);
  }
  const { payload } = await one.call(p.connectListAllDomains, words(1, 0));
  expect(payload).toEqual(Buffer.alloc(8));
});

test('held calls keep their slots: the fifth stops the reading, and a release answers all', async () => {
  await using dir = await tempDir();
  const socketPath = join(dir.path, 'sock');
  await using daemon = await startSimulatedDaemon({ socketPath, hostname: 'hv1', domains: 3 });
  using client = await RawClient.open(socketPath);
  using other = await RawClient.open(socketPath);
  const hold = daemon.hold('connectGetAllDomainStats');
  const held = Array.from({ length: 5 }, () =>
    client.send(p.connectGetAllDomainStats, words(0, 1, 0)),
  );
  await waitFor(() => hold.held === 5, { what: 'five held calls' });
  const sixth = client.send(p.connectGetType);
  // Another client is answered meanwhile, so the sixth call would have been, too.
  expect((await other.call(p.connectGetType)).header.status).toBe(statusOk);
  expect(client.replies.some(({ header }) => header.serial === sixth)).toBe(false);
  hold[Symbol.dispose]();
  for (const serial of [...held, sixth]) {
    expect((await client.reply(serial)).header.status).toBe(statusOk);
  }
});

test('a client that reads slowly gets every reply, whole', async () => {
  await using dir = await tempDir();
  const socketPath = join(dir.path, 'sock');
  await using _daemon = await startSimulatedDaemon({
    socketPath,
    hostname: 'hv1',
    domains: 1_000,
  });
  using client = await RawClient.open(socketPath);
  using other = await RawClient.open(socketPath);
  client.pause();
  const serials = Array.from({ length: 12 }, () =>
    client.send(p.connectGetAllDomainStats, words(0, 0x3f, 0)),
  );
  await other.call(p.connectGetType);
  client.resume();
  const replies = await Promise.all(serials.map((serial) => client.reply(serial)));
  for (const { payload } of replies) {
    expect(new WireReader(payload, 0).uint()).toBe(1_000);
  }
});

test('a client that comes back after a hang-up finds the same domains and no registrations', async () => {
  await using dir = await tempDir();
  const socketPath = join(dir.path, 'sock');
  await using daemon = await startSimulatedDaemon({ socketPath, hostname: 'hv1', domains: 1 });
  using before = await RawClient.open(socketPath);
  await before.call(p.connectDomainEventCallbackRegisterAny, words(0, 0));
  daemon.dropConnections();
  await waitFor(() => before.closed && daemon.connections === 0, { what: 'the hang-up' });
  using after = await RawClient.open(socketPath);
  daemon.suspend('vm00001');
  await after.call(p.connectGetType);
  expect([before.messages, after.messages]).toEqual([[], []]);
});

test('the read-only socket reads and refuses to write', async () => {
  await using dir = await tempDir();
  const readOnlySocketPath = join(dir.path, 'ro');
  await using daemon = await startSimulatedDaemon({
    socketPath: join(dir.path, 'rw'),
    readOnlySocketPath,
    hostname: 'hv1',
    domains: 1,
  });
  using client = await RawClient.open(readOnlySocketPath);
  const row = daemon.domain('vm00001');
  const suspended = await client.call(p.domainSuspend, (writer) => {
    writer.string('vm00001');
    writer.raw(row.uuidBytes);
    writer.int(row.id);
  });
  expect(new WireReader(suspended.payload, 0).int()).toBe(29);
  expect(row.state).toBe(1);
});

test('domains age by the clock that was given', async () => {
  await using dir = await tempDir();
  const socketPath = join(dir.path, 'sock');
  let nowMs = 0;
  const clock = (): number => nowMs;
  await using daemon = await startSimulatedDaemon({
    socketPath,
    clock,
    hostname: 'hv1',
    domains: [{ name: 'vm', state: 'shutoff' }],
  });
  daemon.start('vm');
  using client = await RawClient.open(socketPath);
  const stats = async (): Promise<string> =>
    (await client.call(p.connectGetAllDomainStats, words(0, 0x3f, 0))).payload.toString('hex');
  const first = await stats();
  expect(await stats()).toBe(first);
  nowMs = 60_000;
  expect(await stats()).not.toBe(first);
});

test('a socket that cannot be listened on is an error, and leaves nothing behind', async () => {
  await using dir = await tempDir();
  const socketPath = join(dir.path, 'no/such/folder/sock');
  await expect(startSimulatedDaemon({ socketPath, hostname: 'hv1' })).rejects.toThrow(
    /EACCES|ENOENT/,
  );
});
