import { type Libvirtd, defineAndStart, pulseGuest, startLibvirtd } from '@virtscope/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from './connect.ts';
import { lifecycleDetailName, lifecycleEventName } from './constants/domain-event.ts';
import { VIR_ERR_OPERATION_DENIED } from './constants/error-codes.ts';
import {
  VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
  VIR_DOMAIN_XML_SECURE,
} from './constants/flags.ts';
import type { DomainEventStream } from './events/event-stream.ts';

async function hear(events: DomainEventStream, count: number): Promise<string[]> {
  const heard: string[] = [];
  for await (const event of events) {
    if (event.kind === 'lifecycle') {
      const { event: what, detail } = event;
      heard.push(`${lifecycleEventName(what)}:${lifecycleDetailName(what, detail)}`);
    }
    if (heard.length === count) break;
  }
  return heard;
}

describe.each(['installed', '11'] as const)('libvirt, %s', (version) => {
  let daemon: Libvirtd;

  beforeAll(async () => {
    daemon = await startLibvirtd({ name: 'nlq', version });
    for (const name of ['one', 'two'])
      await defineAndStart(daemon, pulseGuest(daemon.dir, { name }));
  });
  afterAll(async () => {
    await daemon[Symbol.asyncDispose]();
  });

  test('real domains answer every read', async () => {
    await using session = await connect(daemon.uri);
    expect(await session.connectGetType()).toBe('QEMU');
    const domains = await session.connectListAllDomains({ flags: 1 });
    expect(domains.map(({ name }) => name).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'one',
      'two',
    ]);
    for (const domain of domains) {
      expect(await session.domainGetState(domain)).toEqual({ state: 1, reason: 1 });
      expect(await session.domainGetControlInfo(domain)).toMatchObject({ state: 0 });
      expect(await session.domainGetInfo(domain)).toMatchObject({ maxMemoryKiB: 16_384, vcpus: 1 });
      expect(await session.domainGetXmlDesc(domain)).toContain(domain.uuid);
      expect(await session.domainGetJobStats(domain)).toMatchObject({ type: 0 });
      expect(await session.domainIsActive(domain)).toBe(true);
      expect(await session.domainHasManagedSaveImage(domain)).toBe(false);
    }
    expect(await session.nodeGetMemoryStats()).toEqual(
      new Map([
        ['total', expect.any(Number)],
        ['free', expect.any(Number)],
        ['buffers', expect.any(Number)],
        ['cached', expect.any(Number)],
      ]),
    );
  });

  test('bulk stats bring every group of every domain in one call', async () => {
    await using session = await connect(daemon.uri);
    const records = await session.connectGetAllDomainStats({
      stats: 0,
      flags: VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
    });
    expect(records).toHaveLength(2);
    for (const { params } of records) {
      expect(params.get('state.state')).toBe(1);
      expect(params.get('cpu.time')).toBeGreaterThan(0);
      expect(params.get('balloon.maximum')).toBe(16_384);
      expect(params.get('vcpu.current')).toBe(1);
      expect(params.get('block.count')).toBeGreaterThan(0);
      expect(params.get('block.0.rd.reqs')).toBeTypeOf('number');
      expect([...params.keys()]).toHaveLength(params.size);
    }
  });

  test('the real order of events of a stop and a start', async () => {
    await using session = await connect(daemon.uri);
    await using events = await session.domainEvents(['lifecycle']);
    await daemon.virsh('destroy', 'one');
    await daemon.virsh('start', 'one');
    expect(await hear(events, 4)).toEqual([
      'shutdown:host',
      'stopped:destroyed',
      'resumed:unpaused',
      'started:booted',
    ]);
  });

  test('a QEMU that hangs holds up its own stats and nothing else of the session', async () => {
    await using session = await connect(daemon.uri);
    const two = await session.domainLookupByName('two');
    const pid = daemon.qemuPid('two');
    process.kill(pid, 'SIGSTOP');
    try {
      const stats = session.connectGetAllDomainStats({ stats: 0x20 }, { timeoutMs: 300 });
      await expect(stats).rejects.toMatchObject({ name: 'DeadlineExceededError', sent: true });
      expect(await session.domainGetState(two)).toEqual({ state: 1, reason: 1 });
      expect(await session.domainGetControlInfo(two)).toMatchObject({ state: 2 });
      await session.ping();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    // Its late answer frees the slot and reaches nobody.
    const [record] = await session.connectGetAllDomainStats({ stats: 0x20, domains: [two] });
    expect(record?.params.get('block.count')).toBeGreaterThan(0);
  });

  test('a read-only session is read-only for libvirt too', async () => {
    await using session = await connect(daemon.uriRw);
    const two = await session.domainLookupByName('two');
    await expect(
      session.domainGetXmlDesc(two, { flags: VIR_DOMAIN_XML_SECURE }),
    ).rejects.toMatchObject({ code: VIR_ERR_OPERATION_DENIED });
  });
});
