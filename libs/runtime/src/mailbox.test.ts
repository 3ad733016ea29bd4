import { expect, test } from 'vitest';
import { Mailbox } from './mailbox.ts';

test('what was pushed is iterated in order, also what comes while somebody waits', async () => {
  const stop = new AbortController();
  const box = new Mailbox<number>(10, stop.signal);
  box.push(1);
  box.push(2);
  const seen: number[] = [];
  for await (const item of box) {
    seen.push(item);
    if (item === 2) queueMicrotask(() => box.push(3));
    if (item === 3) break;
  }
  expect(seen).toEqual([1, 2, 3]);
});

test('a full mailbox refuses and loses nothing that it took', async () => {
  const stop = new AbortController();
  const box = new Mailbox<number>(2, stop.signal);
  expect([box.push(1), box.push(2), box.push(3)]).toEqual([true, true, false]);
  expect(box.size).toBe(2);
  const seen: number[] = [];
  for await (const item of box) {
    seen.push(item);
    if (seen.length === 2) break;
  }
  expect(seen).toEqual([1, 2]);
});

test('iteration ends without an error once the signal aborts, also while it waits', async () => {
  const stop = new AbortController();
  const box = new Mailbox<number>(2, stop.signal);
  const ended = (async () => {
    for await (const _ of box);
    return 'ended';
  })();
  stop.abort();
  await expect(ended).resolves.toBe('ended');
});

test('what was not iterated over when the signal aborted is not lost', async () => {
  const stop = new AbortController();
  const box = new Mailbox<number>(5, stop.signal);
  for (const item of [1, 2, 3]) box.push(item);
  for await (const item of box) {
    expect(item).toBe(1);
    box.push(4);
    stop.abort();
  }
  expect(box.rest()).toEqual([2, 3, 4]);
  expect(box.rest()).toEqual([]);
});
