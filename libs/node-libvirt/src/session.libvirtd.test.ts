import { once } from 'node:events';
import { createConnection } from 'node:net';
import { type Libvirtd, startLibvirtd } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from './connect.ts';
import { VIR_ERR_NO_DOMAIN, VIR_ERR_NO_SUPPORT } from './constants/error-codes.ts';
import { lifecycleEventName } from './constants/domain-event.ts';
import { ConnectError, ConnectionLostError, LibvirtError } from './errors.ts';
import { domainEventKinds } from './events/domain-event.ts';
import { frameOf, golden } from './testing/golden.ts';

let daemon: Libvirtd;

beforeAll(async () => {
  daemon = await startLibvirtd({ name: 'nlv' });
});
afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
});

test('the test driver answers every read that it supports', async () => {
  await using session = await connect(daemon.testUri);
  expect(await session.connectGetType()).toBe('TEST');
  expect(await session.connectGetVersion()).toBe(2);
  expect(await session.connectGetLibVersion()).toBeGreaterThanOrEqual(9_000_000);
  expect(await session.connectGetHostname()).toBe('nlv.test');
  expect(await session.connectGetUri()).toBe('test:///default');
  expect(await session.connectSupportsFeature(10)).toBe(true);
  expect(await session.connectSupportsFeature(9999)).toBe(false);
  expect(await session.connectGetCapabilities()).toMatch(/^<capabilities>/);
  expect(await session.nodeGetInfo()).toEqual({
    model: 'i686',
    memoryKiB: 3_145_728,
    cpus: 16,
    mhz: 1400,
    nodes: 2,
    sockets: 2,
    cores: 2,
    threads: 2,
  });
  expect([...(await session.nodeGetCpuStats()).keys()]).toContain('idle');
  expect(await session.nodeGetFreeMemory()).toBeGreaterThan(0);

  const [domain, ...others] = await session.connectListAllDomains();
  expect(others).toEqual([]);
  if (domain === undefined) throw new Error('the test driver has one domain');
  expect(domain).toEqual({ name: 'test', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f', id: 1 });
  expect(await session.connectListAllDomains({ flags: 2 })).toEqual([]);
  expect(await session.domainLookupByUuid(domain.uuid)).toEqual(domain);
  expect(await session.domainLookupByName('test')).toEqual(domain);
  expect(await session.domainLookupById(1)).toEqual(domain);
  expect(await session.domainGetState(domain)).toEqual({ state: 1, reason: 0 });
  expect(await session.domainGetInfo(domain)).toMatchObject({ state: 1, vcpus: 2 });
  expect(await session.domainGetControlInfo(domain)).toMatchObject({ state: 0 });
  expect(await session.domainGetXmlDesc(domain)).toContain('<name>test</name>');
  expect(await session.domainIsActive(domain)).toBe(true);
  expect(await session.domainIsPersistent(domain)).toBe(true);
  expect(await session.domainGetAutostart(domain)).toBe(false);
  expect(await session.domainHasManagedSaveImage(domain)).toBe(false);
  const [record] = await session.connectGetAllDomainStats({ stats: 0 });
  expect(record?.domain).toEqual(domain);
  expect(record?.params.toJSON()).toEqual({ 'state.state': 1, 'state.reason': 0 });
  await expect(session.domainGetJobStats(domain)).rejects.toMatchObject({
    code: VIR_ERR_NO_SUPPORT,
  });
});

test('a domain that is not there is code 42, and left out of stats without an error', async () => {
  await using s = await connect(daemon.testUri);
  const gone = { name: 'gone', uuid: '11111111-1111-1111-1111-111111111111', id: 7 };
  const error = await s.domainLookupByUuid(gone.uuid).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(LibvirtError);
  expect(error).toMatchObject({ code: VIR_ERR_NO_DOMAIN });
  expect(await s.connectGetAllDomainStats({ stats: 1, domains: [gone] })).toEqual([]);
});

test('every kind of event registers but those of a later libvirt, which are named', async () => {
  await using s = await connect(daemon.testUri);
  await using events = await s.domainEvents(domainEventKinds);
  const later = (await s.connectGetLibVersion()) >= 11_002_000;
  expect(events.missingKinds).toEqual(later ? [] : ['nic-mac-change']);
});

test('what happens to a domain is heard in order', async () => {
  await using s = await connect(daemon.testUri);
  await using events = await s.domainEvents(['lifecycle']);
  for (const verb of ['suspend', 'resume', 'destroy', 'start']) {
    await daemon.virshTest(verb, 'test');
  }
  const heard: string[] = [];
  for await (const event of events) {
    if (event.kind === 'lifecycle') heard.push(lifecycleEventName(event.event));
    if (heard.length === 4) break;
  }
  expect(heard).toEqual(['suspended', 'resumed', 'stopped', 'started']);
});

test('a ping goes round', async () => {
  await using s = await connect(daemon.testUri);
  expect((await s.ping()).tookMs).toBeGreaterThan(0);
});

/** A client that announces keepalives and never answers one; resolves when it is thrown out. */
async function untilDropped(path: string): Promise<void> {
  const socket = createConnection(path);
  const { authListCall, featureCall } = golden;
  socket.write(Buffer.concat([frameOf(authListCall), frameOf(featureCall)]));
  socket.resume();
  await once(socket, 'close');
}

test('a quiet session answers the PINGs of the daemon, which throws out one that does not', async () => {
  const conf = ['keepalive_interval = 1', 'keepalive_count = 1'];
  await using own = await startLibvirtd({ name: 'ka', conf });
  await using s = await connect(own.testUri, { keepaliveIntervalMs: 60_000 });
  // Twice as long as the daemon's patience.
  await untilDropped(own.socketRo);
  await untilDropped(own.socketRo);
  expect(s.isOpen).toBe(true);
  await own.kill();
  expect(await s.closed).toBeInstanceOf(ConnectionLostError);
});

test('a daemon that stops answering is noticed by our own keepalive', async () => {
  await using own = await startLibvirtd({ name: 'hung' });
  await using s = await connect(own.testUri, { keepaliveIntervalMs: 100, keepaliveCount: 2 });
  own.pause();
  expect(await s.closed).toBeInstanceOf(ConnectionLostError);
  const error = await connect(own.testUri, { connectTimeoutMs: 300 }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ConnectError);
  expect(error).toMatchObject({ reason: 'deadline' });
  own.resume();
});
