import { expect, test } from 'vitest';
import { Mailbox } from './mailbox.ts';

test('what was pushed is iterated in order, also what comes while somebody waits', async () => {
  const stop = new AbortController();
  const box = new Mailbox<number>(10, stop.signal);
  box.push(1);
  box.push(2);
  const seen: number[] = [];
  for await (const batch of box) {
    seen.push(...batch);
    if (batch.includes(2)) queueMicrotask(() => box.push(3));
    if (batch.includes(3)) break;
  }
  expect(seen).toEqual([1, 2, 3]);
});

test('what one turn of the event loop brings is one batch', async () => {
  const stop = new AbortController();
  const box = new Mailbox<number>(10, stop.signal);
  queueMicrotask(() => {
    box.push(1);
    queueMicrotask(() => box.push(2));
    process.nextTick(() => box.push(3));
  });
  for await (const batch of box) {
    expect(batch).toEqual([1, 2, 3]);
    break;
  }
});

test('a full mailbox refuses and loses nothing that it took', async () => {
  const stop = new AbortController();
  const box = new Mailbox<number>(2, stop.signal);
  expect([box.push(1), box.push(2), box.push(3)]).toEqual([true, true, false]);
  expect(box.size).toBe(2);
  for await (const batch of box) {
    expect(batch).toEqual([1, 2]);
    break;
  }
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

test('what was in no batch when the signal aborted is not lost', async () => {
  const stop = new AbortController();
  const box = new Mailbox<number>(5, stop.signal);
  for (const item of [1, 2, 3]) box.push(item);
  for await (const batch of box) {
    expect(batch).toEqual([1, 2, 3]);
    box.push(4);
    stop.abort();
  }
  expect(box.rest()).toEqual([4]);
  expect(box.rest()).toEqual([]);
});
