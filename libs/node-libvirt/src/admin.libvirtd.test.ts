import { type Libvirtd, startLibvirtd } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Admin, admin } from './admin.ts';
import { connect } from './connect.ts';
import {
  networkEventName,
  nodeDeviceEventName,
  secretEventName,
  storagePoolEventName,
} from './constants/object-event.ts';
import { lifecycleEventName } from './constants/domain-event.ts';
import { type CallBill, CallRefusedError, objectEventKinds, type Session } from './index.ts';
import type { EventStream } from './events/event-stream.ts';

let daemon: Libvirtd;
let session: Session;
let hand: Admin;

beforeAll(async () => {
  daemon = await startLibvirtd({ name: 'adm' });
  session = await connect(daemon.testUriRw, { readOnly: false });
  hand = admin(session);
});
afterAll(async () => {
  await session.close();
  await daemon[Symbol.asyncDispose]();
});

/** The next `count` events, each said in a word. */
async function hear<Event>(
  events: EventStream<Event, unknown>,
  count: number,
  say: (event: Event) => string,
): Promise<string[]> {
  const heard: string[] = [];
  for await (const event of events) {
    heard.push(say(event));
    if (heard.length === count) break;
  }
  return heard;
}

const xmlOf = (name: string): string =>
  `<domain type='test'><name>${name}</name><memory>8192</memory><os><type>hvm</type></os></domain>`;

test('a domain can be defined, started, suspended, resumed, renamed, ended and undefined', async () => {
  await using events = await session.domainEvents(['lifecycle']);
  const domain = await hand.domainDefineXml(xmlOf('one'));
  expect(domain).toMatchObject({ name: 'one', id: -1 });
  const running = await hand.domainCreate(domain);
  expect(running.id).toBeGreaterThan(0);
  await hand.domainSuspend(running);
  expect((await session.domainGetState(running)).state).toBe(3);
  await hand.domainResume(running);
  await hand.domainSetMemory(running, 4096, { flags: 1 });
  expect((await session.domainGetInfo(running)).memoryKiB).toBe(4096);
  await hand.domainSetMetadata(running, { type: 1, metadata: 'a title', flags: 1 });
  expect(await session.domainGetMetadata(running, { type: 1 })).toBe('a title');
  await hand.domainManagedSave(running);
  expect(await session.domainHasManagedSaveImage(running)).toBe(true);
  await hand.domainManagedSaveRemove(running);
  await hand.domainRename(domain, 'two');
  await hand.domainUndefine(domain);
  const heard = await hear(events, 8, (event) =>
    event.kind === 'lifecycle' ? lifecycleEventName(event.event) : event.kind,
  );
  expect(heard).toEqual([
    'defined',
    'started',
    'suspended',
    'resumed',
    'stopped',
    'undefined',
    'defined',
    'undefined',
  ]);
});

test('networks and pools, and their events', async () => {
  await using events = await session.objectEvents([
    'network-lifecycle',
    'pool-lifecycle',
    'pool-refresh',
  ]);
  const network = await hand.networkDefineXml('<network><name>n</name></network>');
  await hand.networkCreate(network);
  await hand.networkDestroy(network);
  await hand.networkUndefine(network);
  const pool = await hand.storagePoolDefineXml(
    "<pool type='dir'><name>p</name><target><path>/tmp/p</path></target></pool>",
  );
  await hand.storagePoolBuild(pool);
  await hand.storagePoolCreate(pool);
  const vol = await hand.storageVolCreateXml(
    pool,
    '<volume><name>v</name><capacity>1048576</capacity></volume>',
  );
  expect(await session.storagePoolListAllVolumes(pool)).toEqual([vol]);
  expect(await session.storageVolLookupByName(pool, 'v')).toEqual(vol);
  expect((await session.storageVolGetInfo(vol)).capacityBytes).toBe(1_048_576);
  expect(await session.storageVolGetXmlDesc(vol)).toContain('<name>v</name>');
  await hand.storageVolDelete(vol);
  await hand.storagePoolRefresh(pool);
  await hand.storagePoolDestroy(pool);
  await hand.storagePoolDelete(pool);
  await hand.storagePoolUndefine(pool);
  const heard = await hear(events, 11, (event) => {
    if (event.kind === 'network-lifecycle') return `net ${networkEventName(event.event)}`;
    if (event.kind === 'pool-lifecycle') return `pool ${storagePoolEventName(event.event)}`;
    return event.kind;
  });
  expect(heard).toEqual([
    'net defined',
    'net started',
    'net stopped',
    'net undefined',
    'pool defined',
    'pool created',
    'pool started',
    'pool-refresh',
    'pool stopped',
    'pool deleted',
    'pool undefined',
  ]);
});

test('each class of objects numbers its callbacks by itself, and none is mixed up', async () => {
  await using domains = await session.domainEvents(['lifecycle']);
  await using objects = await session.objectEvents(['network-lifecycle', 'pool-lifecycle']);
  const network = await hand.networkDefineXml('<network><name>m</name></network>');
  await hand.networkUndefine(network);
  await session.ping();
  expect(objects.received).toBe(2);
  expect(domains.received).toBe(0);
});

test('names of events that nobody can cause here', () => {
  expect(nodeDeviceEventName(2)).toBe('defined');
  expect(secretEventName(1)).toBe('undefined');
  expect(objectEventKinds).toHaveLength(8);
});

test('a read-only session refuses every writing call before the wire', async () => {
  const bills: CallBill[] = [];
  await using reader = await connect(daemon.testUri, { onCall: (bill) => bills.push(bill) });
  await reader.connectGetType();
  bills.length = 0;
  const only = admin(reader);
  const domain = { name: 'test', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f', id: 1 };
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(only)).filter(
    (name) => name !== 'constructor',
  ) as (keyof Admin)[];
  expect(names.length).toBeGreaterThan(35);
  for (const name of names) {
    const call = only[name] as (...args: unknown[]) => Promise<unknown>;
    const error = await call.call(only, domain, 'x', {}).catch((e: unknown) => e);
    expect(error, name).toBeInstanceOf(CallRefusedError);
    expect(error, name).toMatchObject({ reason: 'read-only' });
  }
  expect(bills).toEqual([]);
});

test('what libvirt allows on writable connections alone is refused here too', async () => {
  await using reader = await connect(daemon.testUri);
  await expect(reader.connectGetDomainCapabilities()).rejects.toMatchObject({
    reason: 'read-only',
  });
});

test('an allow-list narrows a writable session to reading', async () => {
  const allow = ['connectGetDomainCapabilities', 'connectGetType'];
  await using reader = await connect(daemon.uriRw, { readOnly: false, allow });
  expect(await reader.connectGetDomainCapabilities()).toContain('<domainCapabilities>');
  expect(await reader.connectGetType()).toBe('QEMU');
  const domain = { name: 'x', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f', id: 1 };
  await expect(admin(reader).domainDestroy(domain)).rejects.toMatchObject({
    reason: 'not-allowed',
  });
});
