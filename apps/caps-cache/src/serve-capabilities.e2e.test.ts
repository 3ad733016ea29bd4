import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash, documentKey, pointerKey } from '@virtscope/caps';
import { capsReplySchema, subjects, type CapsReply, type HostId } from '@virtscope/contracts';
import {
  connectNats,
  createLogger,
  Health,
  Metrics,
  readEnv,
  RedisCache,
  systemClock,
  type Hands,
  type NatsConnection,
} from '@virtscope/runtime';
import {
  startLibvirtd,
  startNats,
  startRedis,
  tempDir,
  waitFor,
  type Libvirtd,
  type NatsServer,
  type RedisServer,
} from '@virtscope/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serveCapabilities } from './serve-capabilities.ts';

type Answered = Extract<CapsReply, { ok: true }>;

const stack = new AsyncDisposableStack();
const log = createLogger('caps-cache', 'test', 'silent');
let libvirtd: Libvirtd;
let twin: Libvirtd;
let nats: NatsServer;
let redis: RedisServer;
let nc: NatsConnection;
let store: RedisCache;
let fleetFile: string;
let service: Service;

/** caps-cache in this process: as often started and stopped as a test wants. */
class Service {
  readonly metrics = new Metrics('caps-cache');
  readonly health = new Health();
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  readonly replica: string;

  constructor(replica = 'test') {
    this.replica = replica;
    this.#done = serveCapabilities(handsOf('caps-cache', this));
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  async ready(): Promise<void> {
    await waitFor(() => this.health.ready, { what: 'caps-cache to be ready' });
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'));
    await this.#done;
  }

  async value(name: string, labels: Record<string, string>): Promise<number> {
    const values = (await this.metrics.registry.getSingleMetric(`virtscope_${name}`)?.get())
      ?.values;
    return (values ?? [])
      .filter((each) => Object.entries(labels).every(([key, text]) => each.labels[key] === text))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** Calls for the capabilities document. */
  calls(host: HostId, reason?: string): Promise<number> {
    const procedure = 'connectGetCapabilities';
    const labels = { host, tier: 'caps', procedure, ...(reason === undefined ? {} : { reason }) };
    return this.value('libvirt_calls_total', labels);
  }
}

function handsOf(
  name: string,
  owner: Pick<Service, 'metrics' | 'health' | 'signal'> & { replica?: string },
): Hands {
  const env = readEnv({
    VIRTSCOPE_FLEET: fleetFile,
    VIRTSCOPE_NATS_URL: nats.url,
    VIRTSCOPE_REDIS_URL: redis.url,
  });
  const { metrics, health, signal, replica = 'test' } = owner;
  return { name, replica, env, log, metrics, clock: systemClock, health, signal };
}

async function ask(host: HostId): Promise<CapsReply> {
  const reply = await nc.request(subjects.capsOfHost(host), '', { timeout: 10_000 });
  return capsReplySchema.parse(reply.json());
}

/** Asks as long as the host is unavailable, as a caller would. */
async function answer(host: HostId): Promise<Answered> {
  return waitFor(
    async () => {
      const reply = await ask(host);
      if (!reply.ok) throw new Error(reply.message);
      return reply;
    },
    { what: `the capabilities of ${host}`, timeoutMs: 60_000 },
  );
}

async function stored(host: HostId): Promise<{ hash: string; fingerprint: object } | undefined> {
  const text = await store.get(pointerKey(host)).catch(() => undefined);
  if (text === undefined) return undefined;
  const pointer = JSON.parse(text) as { hash: string; fingerprint: object };
  return (await store.has(documentKey(pointer.hash))) ? pointer : undefined;
}

async function untilStored(host: HostId): Promise<void> {
  await waitFor(() => stored(host), { what: `${host} to be in Redis` });
}

beforeAll(async () => {
  [libvirtd, twin, nats, redis] = await Promise.all([
    startLibvirtd(),
    startLibvirtd({ name: 'hv2' }),
    startNats(),
    startRedis(),
  ]);
  for (const server of [libvirtd, twin, nats, redis]) stack.use(server);
  const dir = stack.use(await tempDir('vs-caps-'));
  fleetFile = join(dir.path, 'fleet.yaml');
  writeFileSync(
    fleetFile,
    `hosts:
  - { id: hv1, uri: "${libvirtd.uri}" }
  - { id: hv2, uri: "${twin.uri}" }
  - { id: tested, uri: "${libvirtd.testUri}" }
  - { id: nowhere, uri: "qemu+unix:///system?socket=${dir.path}/none" }
  - { id: "bad id", uri: "qemu:///system" }
`,
  );
  const reader = {
    metrics: new Metrics('test'),
    health: new Health(),
    signal: new AbortController().signal,
  };
  nc = stack.use(await connectNats(handsOf('reader', reader)));
  store = stack.use(new RedisCache(handsOf('reader', reader)));
});

afterAll(() => stack.disposeAsync());

beforeEach(async () => {
  await redis.start();
  await waitFor(() => store.isReady, { what: 'Redis' });
  await redis.flush();
  service = new Service();
  await service.ready();
});

afterEach(() => service.stop());

describe('replicas', () => {
  const reachable = ['hv1', 'hv2', 'tested'] as const;

  /** How many hosts each of them has a session with. */
  const callsOf = async (each: Service): Promise<number> => {
    const calls = await Promise.all(reachable.map((host) => each.calls(host)));
    return calls.reduce((sum, count) => sum + count, 0);
  };

  test('share the hosts, answer for each other, and one takes over what another had', async () => {
    const other = new Service('another');
    await other.ready();
    // Whichever gets the question: each host is asked for once, by the replica that has it.
    for (let round = 0; round < 10; round++) {
      for (const host of reachable) expect((await answer(host)).host).toBe(host);
    }
    expect((await callsOf(service)) + (await callsOf(other))).toBeLessThanOrEqual(reachable.length);
    await other.stop();
    for (const host of reachable) expect((await answer(host)).host).toBe(host);
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
    const first = await answer('hv1');
    expect(first).toMatchObject({ source: 'libvirt', standing: 'confirmed' });
    expect(first.hostPart.hostUuid).toBe(libvirtd.hostUuid);
    const xml = await libvirtd.virsh('capabilities');
    expect(first.document.cpu.features.length).toBe(xml.split('<feature name=').length - 1);
    const machines = first.document.guests.flatMap((guest) => guest.machines);
    expect(machines.length).toBe(xml.split('</machine>').length - 1);
    await untilStored('hv1');
    expect(await answer('hv1')).toEqual({ ...first, source: 'redis' });
    expect(await service.calls('hv1')).toBe(1);
    expect(await service.calls('hv1', 'miss')).toBe(1);
  });

  test('many at once cost one call', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => answer('hv1')));
    expect(new Set(answers.map(({ hash }) => hash)).size).toBe(1);
    expect(await service.calls('hv1')).toBe(1);
  });

  test('equal hosts share one document, and each keeps its own part', async () => {
    const [one, two] = await Promise.all([answer('hv1'), answer('hv2')]);
    expect(two.hash).toBe(one.hash);
    expect(two.hostPart.hostUuid).toBe(twin.hostUuid);
    await untilStored('hv1');
    await untilStored('hv2');
    const text = await store.get(documentKey(one.hash));
    expect(contentHash(text ?? '')).toBe(one.hash);
  });

  test('the test driver is answered too, with another document', async () => {
    const { document, hash } = await answer('tested');
    expect(document.guests.flatMap(({ domainTypes }) => domainTypes)).toContain('test');
    expect(hash).not.toBe((await answer('hv1')).hash);
  });

  test('a host that cannot be reached is unavailable, with the reason, and harms no other', async () => {
    const reply = await waitFor(
      async () => {
        const each = await ask('nowhere');
        return !each.ok && !each.message.includes('only now') && each;
      },
      { what: 'the host to be tried' },
    );
    expect(reply).toMatchObject({ ok: false, code: 'unavailable' });
    expect(reply.message).toMatch(/nowhere cannot be reached: .*none/);
    expect((await answer('hv1')).ok).toBe(true);
  });

  test.each([
    ['a host outside the inventory', 'virt.v1.caps.host.stranger', '', 'unknown-host', '404'],
    ['an id that is none', 'virt.v1.caps.host.$%', '', 'bad-request', '400'],
    ['a body that is no JSON', 'virt.v1.caps.host.hv1', '{', 'bad-request', '400'],
    ['a body that is no object', 'virt.v1.caps.host.hv1', '[1]', 'bad-request', '400'],
    [
      'a body too long',
      'virt.v1.caps.host.hv1',
      `{"a":"${'x'.repeat(5_000)}"}`,
      'bad-request',
      '400',
    ],
  ])('%s gets an error and is counted', async (_, subject, body, code, fault) => {
    const reply = await nc.request(subject, body, { timeout: 10_000 });
    expect(capsReplySchema.parse(reply.json())).toMatchObject({ ok: false, code });
    expect(reply.headers?.get('Nats-Service-Error-Code')).toBe(fault);
    expect(reply.headers?.get('Nats-Service-Error')).not.toBe('');
    expect(await service.value('caps_answers_total', { outcome: code })).toBe(1);
    expect(await service.calls('hv1')).toBe(0);
  });

  test('the service is found by discovery', async () => {
    const reply = await nc.request('$SRV.INFO.virtscope-caps', '', { timeout: 10_000 });
    expect(reply.json()).toMatchObject({
      name: 'virtscope-caps',
      endpoints: [
        { name: 'host', subject: 'virt.v1.caps.host.*', queue_group: 'q' },
        { name: 'replica', subject: subjects.capsPassedTo('test'), queue_group: 'test' },
      ],
    });
  });
});

describe('a restart of ours', () => {
  async function restart(): Promise<void> {
    await service.stop();
    service = new Service();
    await service.ready();
  }

  test('costs no call for the document: the stored one is answered, as inferred', async () => {
    const before = await answer('hv1');
    await untilStored('hv1');
    await restart();
    expect(await answer('hv1')).toEqual({ ...before, source: 'redis', standing: 'inferred' });
    expect(await service.calls('hv1')).toBe(0);
    const calls = { host: 'hv1', tier: 'caps', reason: 'fingerprint' };
    expect(await service.value('libvirt_calls_total', calls)).toBe(3);
  });

  test('after which the daemon is another one: it is asked, and the old answer is not given', async () => {
    const { hash, observedAt } = await answer('hv1');
    await untilStored('hv1');
    await service.stop();
    const pointer = JSON.parse((await store.get(pointerKey('hv1'))) ?? '') as {
      fingerprint: object;
    };
    const old = { ...pointer, fingerprint: { ...pointer.fingerprint, hypervisorVersion: 1 } };
    await store.set(pointerKey('hv1'), JSON.stringify(old), 60);
    service = new Service();
    await service.ready();
    const after = await answer('hv1');
    expect(after.hash).toBe(hash);
    expect(Date.parse(after.observedAt)).toBeGreaterThan(Date.parse(observedAt));
    expect(after.standing).toBe('confirmed');
    expect(await service.calls('hv1', 'changed')).toBe(1);
    expect(await service.calls('hv1')).toBe(1);
    await waitFor(async () => (await stored('hv1'))?.fingerprint, { what: 'the new pointer' });
    await waitFor(
      async () =>
        JSON.stringify((await stored('hv1'))?.fingerprint) === JSON.stringify(pointer.fingerprint),
      { what: 'the pointer with the new fingerprint' },
    );
  });

  test('a document that Redis lost is a miss', async () => {
    const { hash } = await answer('hv1');
    await untilStored('hv1');
    await service.stop();
    await store.set(documentKey(hash), 'damaged', 60);
    service = new Service();
    await service.ready();
    expect(await answer('hv1')).toMatchObject({ hash, source: 'libvirt' });
    expect(await service.calls('hv1', 'miss')).toBe(1);
  });
});

describe('Redis', () => {
  test('away: answers go on from memory, marked; back and empty: it is filled again', async () => {
    await answer('hv1');
    await untilStored('hv1');
    await redis.kill();
    expect(await answer('hv1')).toMatchObject({ source: 'memory', standing: 'confirmed' });
    expect(await answer('hv1')).toMatchObject({ source: 'memory' });
    await redis.start();
    await untilStored('hv1');
    await waitFor(async () => (await answer('hv1')).source === 'redis', {
      what: 'an answer by Redis',
    });
    expect(await service.calls('hv1')).toBe(1);
    expect(service.health.ready).toBe(true);
  });

  test('away from the start: libvirt is asked once, and Redis is filled when it comes', async () => {
    await service.stop();
    await redis.kill();
    service = new Service();
    await service.ready();
    expect(await answer('hv1')).toMatchObject({ source: 'libvirt' });
    expect(await answer('hv1')).toMatchObject({ source: 'memory' });
    await redis.start();
    await untilStored('hv1');
    expect(await service.calls('hv1')).toBe(1);
  });

  test('hung: answers go on from memory', async () => {
    await answer('hv1');
    await untilStored('hv1');
    redis.pause();
    try {
      expect(await answer('hv1')).toMatchObject({ source: 'memory' });
    } finally {
      redis.resume();
    }
  });

  test('emptied: the next question finds that out and fills it', async () => {
    await answer('hv1');
    await untilStored('hv1');
    await redis.flush();
    expect(await answer('hv1')).toMatchObject({ source: 'memory' });
    await untilStored('hv1');
    expect(await service.calls('hv1')).toBe(1);
  });
});

describe('libvirtd', () => {
  test('restarted: answers go on, and the document is confirmed by one call', async () => {
    const before = await answer('hv1');
    await untilStored('hv1');
    await libvirtd.kill();
    expect(await ask('hv1')).toMatchObject({ ok: true, hash: before.hash });
    await libvirtd.start();
    await waitFor(async () => (await service.calls('hv1', 'confirm')) > 0, {
      what: 'the confirmation',
      timeoutMs: 30_000,
    });
    await waitFor(async () => (await answer('hv1')).observedAt !== before.observedAt, {
      what: 'the confirmed answer',
    });
    expect(await answer('hv1')).toMatchObject({ standing: 'confirmed', hash: before.hash });
    expect(await service.calls('hv1')).toBe(2);
  });
});
