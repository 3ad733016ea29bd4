import type {
  Capabilities,
  CapsIndex,
  CpuModels,
  FactQuestion,
  FactReply,
  HostId,
} from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { CapsBook, noCaps, type CapsSource } from './caps-book.ts';
import { HandClock } from './http/bench.fixture.ts';

const document: Capabilities = {
  v: 1,
  cpu: { arch: 'x86_64', features: [] },
  migrationTransports: [],
  guests: [],
};
const models = (name: string): CpuModels => ({
  v: 1,
  type: 'cpu-models',
  arch: 'x86_64',
  models: [{ name, usable: true }],
});
const entry = (host: HostId, more: Partial<CapsIndex['hosts'][number]> = {}) => ({
  host,
  hash: 'doc',
  kind: 'kind',
  standing: 'confirmed' as const,
  observedAt: '2026-01-01T00:00:00.000Z',
  libvirtVersion: 9_000_000,
  hypervisorVersion: 7_002_022,
  ...more,
});

/** caps-cache with what it knows, and all that it was asked. */
class Cache {
  readonly asked: string[] = [];
  index: CapsIndex['hosts'] = [];
  unreachable = new Set<HostId>();
  facts = new Map<HostId, CpuModels | 'unknown' | 'refused'>();
  readonly clock = new HandClock();
  readonly source: CapsSource = {
    ...noCaps('nobody'),
    index: () => {
      this.asked.push('index');
      return Promise.resolve(this.index);
    },
    capabilities: (host) => {
      this.asked.push(`capabilities ${host}`);
      if (this.unreachable.has(host)) {
        return Promise.resolve({ kind: 'unavailable', reason: `${host} is away` });
      }
      return Promise.resolve({
        kind: 'reply',
        reply: {
          v: 1,
          ok: true,
          host,
          hash: 'doc',
          standing: 'confirmed',
          source: 'memory',
          observedAt: '2026-01-01T00:00:00.000Z',
          document,
          hostPart: { cells: [] },
        },
      });
    },
    fact: (host, question: FactQuestion) => {
      this.asked.push(`${question.type} ${host}`);
      return Promise.resolve({ kind: 'reply', reply: this.#factOf(host) });
    },
  };
  readonly book = new CapsBook(this.source, this.clock);

  #factOf(host: HostId): FactReply {
    const fact = this.facts.get(host) ?? models('EPYC');
    if (typeof fact === 'string') return { v: 1, ok: false, host, code: fact, message: fact };
    return {
      v: 1,
      ok: true,
      host,
      kind: 'kind',
      hash: 'fact',
      standing: 'inferred',
      observedAt: '2026-01-01T00:00:00.000Z',
      document: fact,
    };
  }

  factsOf(hosts: HostId[], cpuModels = true) {
    return this.book.factsOf(hosts, { cpuModels }, new AbortController().signal);
  }
}

test('hosts of one document and kind are asked for once, and not again while it is fresh', async () => {
  const cache = new Cache();
  cache.index = ['hv1', 'hv2', 'hv3'].map((host) => entry(host));
  const factsOf = await cache.factsOf(['hv1', 'hv2', 'hv3']);
  expect(cache.asked).toEqual(['index', 'capabilities hv1', 'cpu-models hv1']);
  for (const host of ['hv1', 'hv2', 'hv3']) {
    expect(factsOf(host)).toMatchObject({
      versions: '9.0.0 7.2.22',
      capabilities: { document },
      cpuModels: { document: models('EPYC') },
    });
  }
  await cache.factsOf(['hv1', 'hv2', 'hv3']);
  expect(cache.asked).toHaveLength(3);
  cache.clock.nowMs += 6_000;
  await cache.factsOf(['hv1']);
  expect(cache.asked.slice(3)).toEqual(['index']);
});

test('a host that differs from its kind is asked for by itself', async () => {
  const cache = new Cache();
  cache.index = [entry('hv1'), entry('hv2', { differs: true }), entry('hv3')];
  cache.facts.set('hv2', models('Penryn'));
  const factsOf = await cache.factsOf(['hv1', 'hv2', 'hv3']);
  expect(factsOf('hv2').cpuModels).toEqual({ document: models('Penryn') });
  expect(factsOf('hv3').cpuModels).toEqual({ document: models('EPYC') });
});

test('a host that nobody knows is asked for, and one that is away not at every question', async () => {
  const cache = new Cache();
  cache.unreachable.add('hv2');
  const reading = cache.factsOf(['hv1', 'hv2'], false);
  // Asked for, it is read: the next index has it.
  cache.index = [entry('hv1')];
  const factsOf = await reading;
  expect(factsOf('hv1').capabilities).toEqual({ document });
  expect(factsOf('hv2').capabilities).toEqual({ missing: 'hv2 is away' });
  const away = (): number => cache.asked.filter((each) => each === 'capabilities hv2').length;
  await cache.factsOf(['hv1', 'hv2'], false);
  expect(away()).toBe(1);
  cache.clock.nowMs += 6_000;
  await cache.factsOf(['hv1', 'hv2'], false);
  expect(away()).toBe(2);
});

test('a probe that is on its way is waited for, within bounds; a refusal is an answer', async () => {
  const cache = new Cache();
  cache.index = [entry('hv1')];
  cache.facts.set('hv1', 'unknown');
  const waiting = cache.factsOf(['hv1']);
  await expect.poll(() => cache.clock.sleepers.size).toBe(1);
  cache.facts.set('hv1', models('EPYC'));
  for (const wake of cache.clock.sleepers) wake();
  expect((await waiting)('hv1').cpuModels).toEqual({ document: models('EPYC') });
  const refusing = new Cache();
  refusing.index = [entry('hv1')];
  refusing.facts.set('hv1', 'refused');
  expect((await refusing.factsOf(['hv1']))('hv1').cpuModels).toEqual({ refused: 'refused' });
});

test('without caps-cache every host has a reason', async () => {
  const book = new CapsBook(noCaps('not connected to NATS yet'), new HandClock());
  const factsOf = await book.factsOf(['hv1'], { cpuModels: true }, new AbortController().signal);
  expect(factsOf('hv1')).toEqual({ capabilities: { missing: 'not connected to NATS yet' } });
});
