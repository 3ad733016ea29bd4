import { expect, test } from 'vitest';
import { Semaphore } from './semaphore.ts';

test('no more than its places are taken at a time, and waiters come in order', async () => {
  const semaphore = new Semaphore(2);
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const started: number[] = [];
  const all = gates.map((gate, i) =>
    semaphore.use(async () => {
      started.push(i);
      await gate.promise;
    }),
  );
  await Promise.resolve();
  expect(started).toEqual([0, 1]);
  for (const [i, gate] of gates.entries()) {
    gate.resolve();
    await all[i];
  }
  expect(started).toEqual([0, 1, 2, 3, 4]);
});

test('work that fails gives its place back', async () => {
  const semaphore = new Semaphore(1);
  await expect(semaphore.use(() => Promise.reject(new Error('x')))).rejects.toThrow('x');
  await expect(semaphore.use(() => Promise.resolve('next'))).resolves.toBe('next');
});
