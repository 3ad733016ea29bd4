/** node-libvirt against simulated daemons, and on the bill of the counting proxy. */
import { join } from 'node:path';
import {
  startCountingProxy,
  startSimulatedDaemon,
  sumOf,
  tempDir,
  waitFor,
} from '@virtscope/testkit';
import { connect, LibvirtError } from 'node-libvirt';
import {
  domainStateName,
  domainStateReasonName,
  lifecycleDetailName,
  lifecycleEventName,
  VIR_DOMAIN_STATS_BALLOON,
  VIR_DOMAIN_STATS_BLOCK,
  VIR_DOMAIN_STATS_CPU_TOTAL,
  VIR_DOMAIN_STATS_INTERFACE,
  VIR_DOMAIN_STATS_STATE,
} from 'node-libvirt/constants';
import { expect, test } from 'vitest';

const samplerGroups =
  VIR_DOMAIN_STATS_STATE |
  VIR_DOMAIN_STATS_CPU_TOTAL |
  VIR_DOMAIN_STATS_BALLOON |
  VIR_DOMAIN_STATS_INTERFACE |
  VIR_DOMAIN_STATS_BLOCK;

test('a session reads a simulated host and its domains', async () => {
  await using dir = await tempDir();
  await using daemon = await startSimulatedDaemon({
    socketPath: join(dir.path, 'sock'),
    hostname: 'hv1.test',
    hardware: { cpus: 8, memoryKiB: 16_777_216 },
    domains: [
      { name: 'web', vcpus: 2, memoryKiB: 2_097_152, title: 'Front' },
      { name: 'off', state: 'shutoff', autostart: true },
    ],
  });
  await using session = await connect(daemon.uri);
  expect(await session.connectGetType()).toBe('QEMU');
  expect(await session.connectGetHostname()).toBe('hv1.test');
  expect(await session.connectGetUri()).toBe('qemu:///system');
  expect(await session.connectGetLibVersion()).toBe(9_000_000);
  expect(await session.connectGetVersion()).toBe(7_002_022);
  expect(await session.connectGetCapabilities()).toContain(daemon.hostUuid);
  expect(await session.nodeGetInfo()).toMatchObject({
    model: 'x86_64',
    cpus: 8,
    memoryKiB: 16_777_216,
  });
  const domains = await session.connectListAllDomains();
  expect(domains.map(({ name, id }) => [name, id])).toEqual([
    ['web', 1],
    ['off', -1],
  ]);
  const web = await session.domainLookupByName('web');
  expect(await session.domainLookupByUuid(web.uuid)).toEqual(web);
  expect(await session.domainLookupById(1)).toEqual(web);
  const { state, reason } = await session.domainGetState(web);
  expect([domainStateName(state), domainStateReasonName(state, reason)]).toEqual([
    'running',
    'booted',
  ]);
  expect(await session.domainGetInfo(web)).toMatchObject({ vcpus: 2, memoryKiB: 2_097_152 });
  expect(await session.domainGetXmlDesc(web)).toContain('<title>Front</title>');
  expect(await session.domainIsActive(web)).toBe(true);
  expect(await session.domainIsPersistent(web)).toBe(true);
  expect(await session.domainHasManagedSaveImage(web)).toBe(false);
  const off = await session.domainLookupByName('off');
  expect(await session.domainGetAutostart(off)).toBe(true);
  expect(await session.domainGetControlInfo(web)).toMatchObject({ state: 0 });
  expect(await session.domainGetJobStats(web)).toMatchObject({ type: 0 });
  await expect(session.domainLookupByName('nobody')).rejects.toThrow(LibvirtError);
});

test('a session hears what happens to simulated domains, in the order of QEMU', async () => {
  await using dir = await tempDir();
  await using daemon = await startSimulatedDaemon({
    socketPath: join(dir.path, 'sock'),
    hostname: 'hv1.test',
    domains: [{ name: 'vm' }],
  });
  await using session = await connect(daemon.uri);
  await using events = await session.domainEvents(['lifecycle', 'reboot', 'metadata-change']);
  daemon.destroy('vm');
  daemon.start('vm');
  daemon.reset('vm');
  daemon.setMetadata('vm', 'http://x', "<x xmlns='http://x'/>");
  daemon.crash('vm');
  daemon.undefine('vm');
  const heard: string[] = [];
  for await (const event of events) {
    heard.push(
      event.kind === 'lifecycle'
        ? `${lifecycleEventName(event.event)} ${lifecycleDetailName(event.event, event.detail)}`
        : event.kind,
    );
    if (heard.at(-1) === 'undefined removed') break;
  }
  expect(heard).toEqual([
    'shutdown host',
    'stopped destroyed',
    'resumed unpaused',
    'started booted',
    'reboot',
    'metadata-change',
    'stopped failed',
    'undefined removed',
  ]);
});

test.each([500, 10_000])('a session reads all stats of %i domains in one call', async (domains) => {
  await using dir = await tempDir();
  await using daemon = await startSimulatedDaemon({
    socketPath: join(dir.path, 'sock'),
    hostname: 'hv1.test',
    domains,
  });
  await using session = await connect(daemon.uri);
  const listed = await session.connectListAllDomains();
  const records = await session.connectGetAllDomainStats({ stats: samplerGroups });
  expect(records.map(({ domain }) => domain)).toEqual(listed);
  for (const { params } of records) expect(params.size).toBe(37);
  const some = listed.slice(10, 20);
  const named = await session.connectGetAllDomainStats({ domains: some, stats: samplerGroups });
  expect(named.map(({ domain }) => domain)).toEqual(some);
});

test('every call of a session is on the bill once, and none that it did not make', async () => {
  await using dir = await tempDir();
  await using daemon = await startSimulatedDaemon({
    socketPath: join(dir.path, 'sock'),
    hostname: 'hv1.test',
    domains: 50,
  });
  await using proxy = await startCountingProxy({ target: daemon.socketPath });
  const made: Record<string, number> = {};
  await using session = await connect(daemon.uri.replace(daemon.socketPath, proxy.socket), {
    onCall: ({ procedure }) => {
      made[procedure] = (made[procedure] ?? 0) + 1;
    },
  });
  const domains = await session.connectListAllDomains();
  await Promise.all(domains.map((domain) => session.domainGetState(domain)));
  await Promise.all(domains.slice(0, 7).map((domain) => session.domainGetXmlDesc(domain)));
  await session.domainLookupByName('nobody').catch(() => {});
  await session.ping();
  const answered = (): boolean => sumOf(proxy.bill().replies) === sumOf(proxy.bill().calls);
  await waitFor(answered, { what: 'all replies' });
  const bill = proxy.bill();
  expect(bill.calls).toEqual(made);
  expect(bill.calls).toMatchObject({ domainGetState: 50, domainGetXmlDesc: 7 });
  expect(bill.replies).toEqual(bill.calls);
  expect(bill.refusals).toEqual({ domainLookupByName: 1 });
  expect(bill.pings.fromClient).toBe(1);
  expect(bill.pongs.fromDaemon).toBe(1);
  proxy.reset();
  await using events = await session.domainEvents(['lifecycle']);
  daemon.suspend('vm00001');
  daemon.resume('vm00001');
  await waitFor(() => events.received === 2, { what: 'two events' });
  expect(proxy.bill().events).toEqual({ domainEventCallbackLifecycle: 2 });
  expect(sumOf(proxy.bill().calls)).toBe(1);
});
