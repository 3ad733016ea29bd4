import type { Clock } from '@virtscope/runtime';
import { LibvirtError, type Session } from 'node-libvirt';
import { VIR_ERR_NO_STORAGE_POOL, VIR_ERR_NO_SUPPORT } from 'node-libvirt/constants';
import { expect, test } from 'vitest';
import { LibvirtThings } from './libvirt-things.ts';

/** A clock on which every sleep is over when the test says so. */
class Sleeps implements Clock {
  readonly #open = new Set<() => void>();

  monotonicMs(): number {
    return 0;
  }

  wallMs(): number {
    return 0;
  }

  sleep(_ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#open.add(resolve);
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  }

  pass(): void {
    for (const resolve of this.#open) resolve();
  }
}

function refusal(code: number): LibvirtError {
  const none = { str1: undefined, str2: undefined, str3: undefined };
  return new LibvirtError('x', {
    code,
    domain: 0,
    level: 2,
    message: 'no',
    int1: 0,
    int2: 0,
    ...none,
  });
}

test('while a driver hangs one call of it waits, no second one is made, and others are answered', async () => {
  const clock = new Sleeps();
  let poolCalls = 0;
  let answerPools: (pools: never[]) => void = () => undefined;
  const things = new LibvirtThings(
    {
      connectListAllStoragePools: () => {
        poolCalls++;
        return new Promise((resolve) => {
          answerPools = resolve;
        });
      },
      connectListAllNetworks: () => Promise.resolve([]),
    } as unknown as Session,
    clock,
  );
  const list = (of: 'pool' | 'network') =>
    things.list({ type: 'listThings', of, afterMs: 0, reason: 'sync' }, 0);
  const first = list('pool');
  const second = list('pool');
  expect(await list('network')).toMatchObject({ outcome: { things: [] } });
  clock.pass();
  expect(await first).toMatchObject({
    outcome: { failed: expect.stringContaining('pool') as string },
  });
  expect(await second).toMatchObject({ outcome: { failed: expect.any(String) as string } });
  expect(poolCalls).toBe(1);
  // Back again: the one that gave up meanwhile is not asked, the next one is.
  answerPools([]);
  const third = list('pool');
  await expect.poll(() => poolCalls).toBe(2);
  answerPools([]);
  expect(await third).toMatchObject({ outcome: { things: [] } });
});

test("only libvirt's own word for a pool that is not there counts as absence", async () => {
  const codes = [VIR_ERR_NO_STORAGE_POOL, VIR_ERR_NO_SUPPORT];
  const outcomes = [];
  for (const code of codes) {
    const session = { storagePoolLookupByUuid: () => Promise.reject(refusal(code)) };
    const things = new LibvirtThings(session as unknown as Session, new Sleeps());
    const thing = { type: 'pool', id: 'x' } as const;
    const { outcome } = (await things.read(
      { type: 'readThing', thing, token: 0, reason: 'event' },
      0,
    )) as { outcome: object };
    outcomes.push(Object.keys(outcome)[0]);
  }
  expect(outcomes).toEqual(['found', 'failed']);
});

test('a driver that lacks a type says so for good; any other refusal is no answer', async () => {
  const outcomes = [];
  for (const code of [VIR_ERR_NO_SUPPORT, VIR_ERR_NO_STORAGE_POOL]) {
    const session = { connectListAllSecrets: () => Promise.reject(refusal(code)) };
    const things = new LibvirtThings(session as unknown as Session, new Sleeps());
    const effect = { type: 'listThings', of: 'secret', afterMs: 0, reason: 'sync' } as const;
    outcomes.push(((await things.list(effect, 0)) as { outcome: unknown }).outcome);
  }
  expect(outcomes).toEqual(['unsupported', { failed: expect.any(String) as string }]);
});
