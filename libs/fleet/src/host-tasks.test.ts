import { expect, test } from 'vitest';
import { HostTasks } from './host-tasks.ts';
import type { WantedHost } from './inventory.ts';

const host = (id: string, uri = 'qemu:///system'): WantedHost => ({
  id,
  uri,
  profile: `inline-${id}`,
  labels: {},
  identity: 'uuid',
  relistIntervalSeconds: 10,
});

const clock = {
  monotonicMs: () => 0,
  sleep: () => Promise.resolve(),
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

test('a changed host never has two tasks at a time', async () => {
  const stop = new AbortController();
  const log: string[] = [];
  const ended = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const tasks = new HostTasks({
    async run({ uri }, signal) {
      log.push(`start ${uri}`);
      if (uri === 'b') started.resolve();
      await aborted(signal);
      if (uri === 'a') await ended.promise;
      log.push(`end ${uri}`);
    },
    onBroken: (_host, error) => log.push(`broken ${String(error)}`),
    clock,
    signal: stop.signal,
  });
  tasks.apply([host('hv1', 'a')]);
  await Promise.resolve();
  tasks.apply([host('hv1', 'b')]);
  await Promise.resolve();
  expect(log).toEqual(['start a']);
  ended.resolve();
  await started.promise;
  stop.abort();
  await tasks.drained();
  expect(log).toEqual(['start a', 'end a', 'start b', 'end b']);
});

test("a host's broken task is started again and touches no other", async () => {
  const stop = new AbortController();
  const again = Promise.withResolvers<void>();
  const runs: string[] = [];
  const broken: string[] = [];
  const tasks = new HostTasks({
    async run({ id }, signal) {
      runs.push(id);
      if (id === 'bad' && runs.filter((each) => each === 'bad').length === 1) throw new Error('x');
      if (id === 'bad') again.resolve();
      await aborted(signal);
    },
    onBroken: ({ id }) => broken.push(id),
    clock,
    signal: stop.signal,
  });
  tasks.apply([host('bad'), host('good')]);
  await again.promise;
  stop.abort();
  await tasks.drained();
  expect(broken).toEqual(['bad']);
  expect(runs).toEqual(['bad', 'good', 'bad']);
});

test('a removed host ends', async () => {
  const stop = new AbortController();
  const ended = Promise.withResolvers<string>();
  const tasks = new HostTasks({
    async run({ id }, signal) {
      await aborted(signal);
      ended.resolve(id);
    },
    onBroken: (_host, error) => ended.reject(error),
    clock,
    signal: stop.signal,
  });
  tasks.apply([host('hv1'), host('hv2')]);
  await Promise.resolve();
  tasks.apply([host('hv2')]);
  await expect(ended.promise).resolves.toBe('hv1');
  stop.abort();
  await tasks.drained();
});
