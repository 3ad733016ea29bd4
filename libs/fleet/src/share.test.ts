import { heartbeatTtlMs } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import type { WantedHost } from './inventory.ts';
import { helloMs } from './membership.ts';
import { Share } from './share.ts';

const hosts = Array.from({ length: 40 }, (_, i): WantedHost => {
  const id = `hv${i}`;
  return {
    id,
    uri: 'qemu:///system',
    profile: `inline-${id}`,
    labels: {},
    identity: 'uuid',
    relistIntervalSeconds: 10,
  };
});

/** A replica whose clock moves by hand: each look at the share waits for `tick`. */
class Replica {
  nowMs = 0;
  held: readonly WantedHost[] = [];
  beats = 0;
  readonly share: Share;
  readonly done: Promise<void>;
  readonly #stop = new AbortController();
  #tick = Promise.withResolvers<void>();
  #looked = Promise.withResolvers<void>();

  constructor(name: string) {
    this.share = new Share({
      replica: name,
      tasks: {
        hosts: [],
        apply: (mine) => {
          const before = new Set(this.held.map(({ id }) => id));
          this.held = mine;
          const added = mine.filter(({ id }) => !before.has(id));
          return { added, removed: [], changed: [] };
        },
      },
      clock: {
        monotonicMs: () => this.nowMs,
        sleep: () => {
          this.#looked.resolve();
          return this.#tick.promise;
        },
      },
      random: () => 0,
      signal: this.#stop.signal,
      onMoved: () => undefined,
    });
    this.share.want(hosts);
    this.done = this.share.run();
  }

  get ids(): Set<string> {
    return new Set(this.held.map(({ id }) => id));
  }

  async at(nowMs: number): Promise<void> {
    await this.#looked.promise;
    this.nowMs = nowMs;
    this.#looked = Promise.withResolvers();
    const tick = this.#tick;
    this.#tick = Promise.withResolvers();
    tick.resolve();
    await this.#looked.promise;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#tick.resolve();
    await this.done;
  }

  readonly heart = {
    beatNow: (): void => {
      this.beats++;
    },
    holderOf: (): string | undefined => undefined,
  };
}

test('a replica alone takes every host after its hello', async () => {
  const a = new Replica('a');
  await a.at(helloMs - 1);
  expect(a.held).toEqual([]);
  await a.at(helloMs);
  expect(a.held).toEqual(hosts);
  await a.stop();
});

test('a new replica is answered at once, and both end with one share each', async () => {
  const [a, b] = [new Replica('a'), new Replica('b')];
  await a.at(helloMs);
  a.share.heard('b', false, a.heart);
  a.share.heard('b', false, a.heart);
  expect(a.beats).toBe(1);
  b.share.heard('a', false, b.heart);
  await Promise.all([a.at(helloMs + 1), b.at(helloMs + 1)]);
  expect(a.ids.intersection(b.ids).size).toBe(0);
  expect(a.ids.union(b.ids).size).toBe(hosts.length);
  expect([a.share.isLowest, b.share.isLowest]).toEqual([true, false]);
  await Promise.all([a.stop(), b.stop()]);
});

test('the hosts of one that leaves are taken at once, of one that falls silent after a TTL', async () => {
  const a = new Replica('a');
  a.share.heard('b', false, a.heart);
  await a.at(helloMs);
  expect(a.ids.size).toBeLessThan(hosts.length);
  await a.at(heartbeatTtlMs);
  expect(a.ids.size).toBe(hosts.length);
  a.share.heard('b', false, a.heart);
  await a.at(heartbeatTtlMs + 1);
  expect(a.ids.size).toBeLessThan(hosts.length);
  a.share.heard('b', true, a.heart);
  await a.at(heartbeatTtlMs + 2);
  expect(a.ids.size).toBe(hosts.length);
  await a.stop();
});

test('a host that another still holds is waited for', async () => {
  const a = new Replica('a');
  const answers = ['b', 'b', undefined];
  let asked = 0;
  const heart = { ...a.heart, holderOf: () => answers[asked++] };
  const free = a.share.untilFree('hv1', heart, new AbortController().signal);
  await a.at(1);
  await a.at(2);
  await free;
  expect(asked).toBe(3);
  await a.stop();
});
