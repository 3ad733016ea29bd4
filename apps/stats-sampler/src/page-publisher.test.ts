import type { StatsPage } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { PagePublisher, maxUnflushedBytes, maxUnflushedMs } from './page-publisher.ts';

const page: StatsPage = {
  v: 1,
  host: 'hv1',
  tier: 'fast',
  epoch: 1,
  sampleId: 1,
  page: 0,
  pages: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  ageMs: 0,
  intervalMs: 2_000,
  groups: {},
  uuids: [],
  ids: [],
  columns: {},
};

function bench(): {
  publisher: PagePublisher;
  sent: string[];
  flushes: PromiseWithResolvers<void>[];
  fates: Record<string, number>;
  at: { nowMs: number };
} {
  const sent: string[] = [];
  const flushes: PromiseWithResolvers<void>[] = [];
  const fates: Record<string, number> = {};
  const at = { nowMs: 0 };
  const publisher = new PagePublisher({
    bus: {
      publish: (subject) => void sent.push(subject),
      flush: () => {
        const flush = Promise.withResolvers<void>();
        flushes.push(flush);
        return flush.promise;
      },
    },
    nowMs: () => at.nowMs,
    onFate: (fate, pages) => {
      fates[fate] = (fates[fate] ?? 0) + pages;
    },
  });
  return { publisher, sent, flushes, fates, at };
}

/** Lets what was settled be seen. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('pages go out at once, and one flush at a time confirms them', async () => {
  const { publisher, sent, flushes, fates } = bench();
  for (const subject of ['a', 'b', 'c']) publisher.publish(subject, page);
  expect(sent).toEqual(['a', 'b', 'c']);
  expect(flushes).toHaveLength(1);
  flushes[0]?.resolve();
  await settle();
  expect(fates).toEqual({ published: 1 });
  flushes[1]?.resolve();
  await settle();
  expect(fates).toEqual({ published: 3 });
});

test('a broker that does not confirm in time gets no more pages until it does', async () => {
  const { publisher, sent, flushes, fates, at } = bench();
  publisher.publish('a', page);
  at.nowMs += maxUnflushedMs;
  publisher.publish('b', page);
  expect([sent, fates]).toEqual([['a'], { dropped: 1 }]);
  flushes[0]?.resolve();
  await settle();
  publisher.publish('c', page);
  expect(sent).toEqual(['a', 'c']);
});

test('bytes on their way are bounded', () => {
  const { publisher, sent, fates } = bench();
  const big = { ...page, startedAt: 'x'.repeat(maxUnflushedBytes / 4) };
  for (let i = 0; i < 6; i++) publisher.publish(String(i), big);
  expect(sent).toHaveLength(3);
  expect(fates).toEqual({ dropped: 3 });
});

test('what a broken connection took along is counted as lost', async () => {
  const { publisher, flushes, fates } = bench();
  publisher.publish('a', page);
  flushes[0]?.reject(new Error('connection disconnected'));
  await settle();
  expect(fates).toEqual({ lost: 1 });
});

test('a message that the client refuses is dropped, and the next one goes', async () => {
  let refuse = true;
  const fates: string[] = [];
  const publisher = new PagePublisher({
    bus: {
      publish: () => {
        if (refuse) throw new Error('max_payload size exceeded');
      },
      flush: () => Promise.resolve(),
    },
    nowMs: () => 0,
    onFate: (fate) => fates.push(fate),
  });
  publisher.publish('a', page);
  refuse = false;
  publisher.publish('b', page);
  await settle();
  expect(fates).toEqual(['dropped', 'published']);
});
