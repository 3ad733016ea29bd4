import { contentHash, documentKey, pointerKey } from '@virtscope/caps';
import { capsReplySchema, subjects } from '@virtscope/contracts';
import { waitFor } from '@virtscope/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CapsBench, type CapsService } from './caps-bench.fixture.ts';

let bench: CapsBench;
let service: CapsService;

beforeAll(async () => {
  bench = await CapsBench.start();
});

afterAll(() => bench[Symbol.asyncDispose]());

beforeEach(async () => {
  await bench.emptyRedis();
  service = await bench.service();
});

afterEach(() => service.stop());

describe('replicas', () => {
  const reachable = ['hv1', 'hv2', 'tested'] as const;

  /** How many hosts each of them has a session with. */
  const callsOf = async (each: CapsService): Promise<number> => {
    const calls = await Promise.all(reachable.map((host) => each.calls(host)));
    return calls.reduce((sum, count) => sum + count, 0);
  };

  test('share the hosts, answer for each other, and one takes over what another had', async () => {
    const other = await bench.service('another');
    // Whichever gets the question: each host is asked for once, by the replica that has it.
    for (let round = 0; round < 10; round++) {
      for (const host of reachable) expect((await bench.answer(host)).host).toBe(host);
    }
    expect((await callsOf(service)) + (await callsOf(other))).toBeLessThanOrEqual(reachable.length);
    await other.stop();
    for (const host of reachable) expect((await bench.answer(host)).host).toBe(host);
  });
});

describe('questions', () => {
  test('before anybody asks no host pays a call for its capabilities', async () => {
    const looks = { operation: 'read-pointer', outcome: 'miss' };
    await waitFor(async () => (await service.value('caps_redis_operations_total', looks)) >= 3, {
      what: 'a look into Redis for each host that can be reached',
    });
    expect(await service.calls('hv1')).toBe(0);
  });

  test('the first answer is libvirt’s own, and the second costs no call', async () => {
    const first = await bench.answer('hv1');
    expect(first).toMatchObject({ source: 'libvirt', standing: 'confirmed' });
    expect(first.hostPart.hostUuid).toBe(bench.libvirtd.hostUuid);
    const xml = await bench.libvirtd.virsh('capabilities');
    expect(first.document.cpu.features.length).toBe(xml.split('<feature name=').length - 1);
    const machines = first.document.guests.flatMap((guest) => guest.machines);
    expect(machines.length).toBe(xml.split('</machine>').length - 1);
    await bench.untilStored('hv1');
    expect(await bench.answer('hv1')).toEqual({ ...first, source: 'redis' });
    expect(await service.calls('hv1')).toBe(1);
    expect(await service.calls('hv1', 'miss')).toBe(1);
  });

  test('many at once cost one call', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => bench.answer('hv1')));
    expect(new Set(answers.map(({ hash }) => hash)).size).toBe(1);
    expect(await service.calls('hv1')).toBe(1);
  });

  test('equal hosts share one document, and each keeps its own part', async () => {
    const [one, two] = await Promise.all([bench.answer('hv1'), bench.answer('hv2')]);
    expect(two.hash).toBe(one.hash);
    expect(two.hostPart.hostUuid).toBe(bench.twin.hostUuid);
    await bench.untilStored('hv1');
    await bench.untilStored('hv2');
    const text = await bench.store.get(documentKey(one.hash));
    expect(contentHash(text ?? '')).toBe(one.hash);
  });

  test('the test driver is answered too, with another document', async () => {
    const { document, hash } = await bench.answer('tested');
    expect(document.guests.flatMap(({ domainTypes }) => domainTypes)).toContain('test');
    expect(hash).not.toBe((await bench.answer('hv1')).hash);
  });

  test('a host that cannot be reached is unavailable, with the reason, and harms no other', async () => {
    const reply = await waitFor(
      async () => {
        const each = await bench.ask('nowhere');
        return !each.ok && !each.message.includes('only now') && each;
      },
      { what: 'the host to be tried' },
    );
    expect(reply).toMatchObject({ ok: false, code: 'unavailable' });
    expect(reply.message).toMatch(/nowhere cannot be reached: .*none/);
    expect((await bench.answer('hv1')).ok).toBe(true);
  });

  test.each([
    ['a host outside the inventory', 'virt.v1.caps.host.stranger', '', 'unknown-host', '404'],
    ['an id that is none', 'virt.v1.caps.host.$%', '', 'bad-request', '400'],
    ['a body that is no JSON', 'virt.v1.caps.host.hv1', '{', 'bad-request', '400'],
    ['a body that is no object', 'virt.v1.caps.host.hv1', '[1]', 'bad-request', '400'],
    [
      'a body too long',
      'virt.v1.caps.host.hv1',
      `{"a":"${'x'.repeat(9_000)}"}`,
      'bad-request',
      '400',
    ],
  ])('%s gets an error and is counted', async (_, subject, body, code, fault) => {
    const reply = await bench.nc.request(subject, body, { timeout: 10_000 });
    expect(capsReplySchema.parse(reply.json())).toMatchObject({ ok: false, code });
    expect(reply.headers?.get('Nats-Service-Error-Code')).toBe(fault);
    expect(reply.headers?.get('Nats-Service-Error')).not.toBe('');
    expect(await service.value('caps_answers_total', { outcome: code })).toBe(1);
    expect(await service.calls('hv1')).toBe(0);
  });

  test('the service is found by discovery', async () => {
    const reply = await bench.nc.request('$SRV.INFO.virtscope-caps', '', { timeout: 10_000 });
    expect(reply.json()).toMatchObject({
      name: 'virtscope-caps',
      endpoints: [
        { name: 'host', subject: 'virt.v1.caps.host.*', queue_group: 'q' },
        { name: 'host-passed', subject: subjects.capsPassedTo('test'), queue_group: 'test' },
        { name: 'fact', subject: 'virt.v1.caps.fact.*', queue_group: 'q' },
        { name: 'fact-passed', subject: subjects.factPassedTo('test'), queue_group: 'test' },
        { name: 'history', subject: 'virt.v1.caps.history.*', queue_group: 'q' },
        { name: 'history-passed', subject: subjects.historyPassedTo('test'), queue_group: 'test' },
        { name: 'index', subject: 'virt.v1.caps.index', queue_group: 'test' },
        { name: 'common-cpu', subject: 'virt.v1.caps.common-cpu', queue_group: 'q' },
      ],
    });
  });
});

describe('a restart of ours', () => {
  async function restart(): Promise<void> {
    await service.stop();
    service = await bench.service();
  }

  test('costs no call for the document: the stored one is answered, as inferred', async () => {
    const before = await bench.answer('hv1');
    await bench.untilStored('hv1');
    await restart();
    expect(await bench.answer('hv1')).toEqual({ ...before, source: 'redis', standing: 'inferred' });
    expect(await service.calls('hv1')).toBe(0);
    const calls = { host: 'hv1', tier: 'caps', reason: 'fingerprint' };
    expect(await service.value('libvirt_calls_total', calls)).toBe(3);
  });

  test('after which the daemon is another one: it is asked, and the old answer is not given', async () => {
    const { hash, observedAt } = await bench.answer('hv1');
    await bench.untilStored('hv1');
    await service.stop();
    const pointer = JSON.parse((await bench.store.get(pointerKey('hv1'))) ?? '') as {
      fingerprint: object;
    };
    const old = { ...pointer, fingerprint: { ...pointer.fingerprint, hypervisorVersion: 1 } };
    await bench.store.set(pointerKey('hv1'), JSON.stringify(old), 60);
    service = await bench.service();
    const after = await bench.answer('hv1');
    expect(after.hash).toBe(hash);
    expect(Date.parse(after.observedAt)).toBeGreaterThan(Date.parse(observedAt));
    expect(after.standing).toBe('confirmed');
    expect(await service.calls('hv1', 'changed')).toBe(1);
    expect(await service.calls('hv1')).toBe(1);
    await waitFor(async () => (await bench.stored('hv1'))?.fingerprint, {
      what: 'the new pointer',
    });
    await waitFor(
      async () =>
        JSON.stringify((await bench.stored('hv1'))?.fingerprint) ===
        JSON.stringify(pointer.fingerprint),
      { what: 'the pointer with the new fingerprint' },
    );
  });

  test('a document that Redis lost is a miss', async () => {
    const { hash } = await bench.answer('hv1');
    await bench.untilStored('hv1');
    await service.stop();
    await bench.store.set(documentKey(hash), 'damaged', 60);
    service = await bench.service();
    expect(await bench.answer('hv1')).toMatchObject({ hash, source: 'libvirt' });
    expect(await service.calls('hv1', 'miss')).toBe(1);
  });
});

describe('Redis', () => {
  test('away: answers go on from memory, marked; back and empty: it is filled again', async () => {
    await bench.answer('hv1');
    await bench.untilStored('hv1');
    await bench.redis.kill();
    expect(await bench.answer('hv1')).toMatchObject({ source: 'memory', standing: 'confirmed' });
    expect(await bench.answer('hv1')).toMatchObject({ source: 'memory' });
    await bench.redis.start();
    await bench.untilStored('hv1');
    await waitFor(async () => (await bench.answer('hv1')).source === 'redis', {
      what: 'an answer by Redis',
    });
    expect(await service.calls('hv1')).toBe(1);
    expect(service.health.ready).toBe(true);
  });

  test('away from the start: libvirt is asked once, and Redis is filled when it comes', async () => {
    await service.stop();
    await bench.redis.kill();
    service = await bench.service();
    expect(await bench.answer('hv1')).toMatchObject({ source: 'libvirt' });
    expect(await bench.answer('hv1')).toMatchObject({ source: 'memory' });
    await bench.redis.start();
    await bench.untilStored('hv1');
    expect(await service.calls('hv1')).toBe(1);
  });

  test('hung: answers go on from memory', async () => {
    await bench.answer('hv1');
    await bench.untilStored('hv1');
    bench.redis.pause();
    try {
      expect(await bench.answer('hv1')).toMatchObject({ source: 'memory' });
    } finally {
      bench.redis.resume();
    }
  });

  test.each([
    ['read-only', 'REPLICAOF 127.0.0.1 1', 'REPLICAOF NO ONE'],
    ['out of memory', 'CONFIG SET maxmemory 1', 'CONFIG SET maxmemory 0'],
  ])(
    '%s: what is there is read, what is new is answered from memory, and written later',
    async (_, off, on) => {
      await bench.answer('hv1');
      await bench.untilStored('hv1');
      await bench.redis.command(off);
      try {
        expect(await bench.answer('hv1')).toMatchObject({ source: 'redis' });
        expect(await bench.answer('tested')).toMatchObject({ source: 'libvirt' });
        expect(await bench.answer('tested')).toMatchObject({ source: 'memory' });
        expect(await bench.stored('tested')).toBeUndefined();
      } finally {
        await bench.redis.command(on);
      }
      await waitFor(
        async () => {
          await bench.answer('tested');
          return bench.stored('tested');
        },
        { what: 'the document to be written', timeoutMs: 20_000 },
      );
      expect(await service.calls('tested')).toBe(1);
      expect(service.health.ready).toBe(true);
    },
  );

  test('emptied: the next question finds that out and fills it', async () => {
    await bench.answer('hv1');
    await bench.untilStored('hv1');
    await bench.redis.flush();
    expect(await bench.answer('hv1')).toMatchObject({ source: 'memory' });
    await bench.untilStored('hv1');
    expect(await service.calls('hv1')).toBe(1);
  });
});

describe('libvirtd', () => {
  test('restarted: answers go on, and the document is confirmed by one call', async () => {
    const before = await bench.answer('hv1');
    await bench.untilStored('hv1');
    await bench.libvirtd.kill();
    expect(await bench.ask('hv1')).toMatchObject({ ok: true, hash: before.hash });
    await bench.libvirtd.start();
    await waitFor(async () => (await service.calls('hv1', 'confirm')) > 0, {
      what: 'the confirmation',
      timeoutMs: 30_000,
    });
    await waitFor(async () => (await bench.answer('hv1')).observedAt !== before.observedAt, {
      what: 'the confirmed answer',
    });
    expect(await bench.answer('hv1')).toMatchObject({ standing: 'confirmed', hash: before.hash });
    expect(await service.calls('hv1')).toBe(2);
  });
});
