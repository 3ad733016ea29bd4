import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ProcessRef, isAlive, processRef, tempDir } from '@virtscope/testkit';
import { expect, test } from 'vitest';
import { pathsOf } from '../paths.ts';
import { endWorkbench } from './end.ts';
import { newState, readState, writeState } from './state.ts';
import { workbenchVariable } from './strays.ts';

async function sleeper(env: Record<string, string> = {}): Promise<ProcessRef> {
  const child = spawn('sleep', ['300'], { env: { ...process.env, ...env } });
  await once(child, 'spawn');
  const ref = processRef(child.pid ?? 0);
  if (ref === undefined) throw new Error('sleep does not run');
  return ref;
}

test('all that is written down is ended, and so is what only carries the mark', async () => {
  await using dir = await tempDir();
  const paths = pathsOf({ VIRTSCOPE_STATE_DIR: dir.path });
  const elsewhere = join(dir.path, 'elsewhere');
  for (const folder of [paths.run, paths.data, elsewhere]) mkdirSync(folder);
  const known = await sleeper();
  const stray = await sleeper({ [workbenchVariable]: paths.state });
  const other = await sleeper({ [workbenchVariable]: `${paths.state}2` });
  const state = newState({ pid: 1, startTime: '0' });
  state.processes.push({ name: 'query-api', layer: 'service', refs: [known], log: '' });
  state.folders.push(elsewhere);
  writeState(paths.stateFile, state);

  const ended = await endWorkbench(paths, state);
  expect(ended).toEqual(['query-api', '1 that an earlier start left']);
  expect([known, stray, other].map(isAlive)).toEqual([false, false, true]);
  expect(readState(paths.stateFile)).toBe(undefined);
  expect([paths.run, elsewhere, paths.data].map((folder) => existsSync(folder))).toEqual([
    false,
    false,
    true,
  ]);
  expect(await endWorkbench(paths, undefined)).toEqual([]);
  process.kill(other.pid, 'SIGKILL');
});

test('no signal reaches a process that got the pid of an ended one', async () => {
  await using dir = await tempDir();
  const paths = pathsOf({ VIRTSCOPE_STATE_DIR: dir.path });
  const bystander = await sleeper();
  const state = newState({ pid: 1, startTime: '0' });
  const refs = [{ pid: bystander.pid, startTime: '1' }];
  state.processes.push({ name: 'nats', layer: 'server', refs, log: '' });
  expect(await endWorkbench(paths, state)).toEqual([]);
  expect(isAlive(bystander)).toBe(true);
  process.kill(bystander.pid, 'SIGKILL');
});
