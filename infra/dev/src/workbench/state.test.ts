import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processRef, tempDir } from '@virtscope/testkit';
import { expect, test } from 'vitest';
import { statusJson } from '../commands/status.ts';
import { CannotError } from '../usage.ts';
import { type State, isUp, newState, readState, removeState, writeState } from './state.ts';

const gone = { pid: process.pid, startTime: '1' };

test('what is written is read back, and nothing else lies beside it', async () => {
  await using dir = await tempDir();
  const file = join(dir.path, 'deep/state.json');
  const state: State = { ...newState(gone), hosts: [{ id: 'hv1', uri: 'test:///default' }] };
  expect(readState(file)).toBe(undefined);
  writeState(file, state);
  expect(readState(file)).toEqual(state);
  expect(readdirSync(join(dir.path, 'deep'))).toEqual(['state.json']);
  removeState(file);
  removeState(file);
  expect(readState(file)).toBe(undefined);
});

test.each(['', '{', 'null', '{"version":2}', '{"version":1}'])(
  'a file that says %j is refused with its name',
  async (text) => {
    await using dir = await tempDir();
    const file = join(dir.path, 'state.json');
    writeFileSync(file, text);
    expect(() => readState(file)).toThrow(CannotError);
    expect(() => readState(file)).toThrow(file);
  },
);

test('a recycled pid does not count as running', () => {
  const self = processRef(process.pid);
  if (self === undefined) throw new Error('no /proc');
  expect(isUp(newState(gone))).toBe(false);
  expect(isUp(newState(self))).toBe(true);
  const process1 = { name: 'nats', layer: 'server', log: '', refs: [self] } as const;
  expect(isUp({ ...newState(gone), processes: [{ ...process1, refs: [self] }] })).toBe(true);
  expect(isUp({ ...newState(gone), processes: [{ ...process1, refs: [gone] }] })).toBe(false);
});

test('status tells addresses, hosts and services, and null for what is not there yet', () => {
  const state: State = {
    ...newState(gone),
    queryApi: 'http://127.0.0.1:8080',
    nats: 'nats://127.0.0.1:4222',
    hosts: [{ id: 'hv1', uri: 'qemu+unix:///system?socket=/s' }],
    processes: [
      { name: 'nats', layer: 'server', refs: [{ pid: 5, startTime: '1' }], log: '/l' },
      {
        name: 'query-api',
        layer: 'service',
        refs: [{ pid: 7, startTime: '1' }],
        log: '/l',
        metrics: 'http://127.0.0.1:9/metrics',
      },
    ],
  };
  expect(statusJson(state)).toEqual({
    queryApi: 'http://127.0.0.1:8080',
    nats: 'nats://127.0.0.1:4222',
    redis: null,
    hosts: [{ id: 'hv1', uri: 'qemu+unix:///system?socket=/s' }],
    services: [{ name: 'query-api', pid: 7, metrics: 'http://127.0.0.1:9/metrics' }],
  });
});
