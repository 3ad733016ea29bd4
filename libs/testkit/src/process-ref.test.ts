import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { childrenOf, isAlive, processRef, signalProcess } from './process-ref.ts';

test('a reference follows one process to its end, and no signal reaches its successor', async () => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const ref = processRef(child.pid ?? 0);
  if (ref === undefined) throw new Error('sleep does not run');
  expect(isAlive(ref)).toBe(true);
  expect(childrenOf(process.pid)).toContain(ref.pid);
  const recycled = { ...ref, startTime: '1' };
  expect(isAlive(recycled)).toBe(false);
  expect(signalProcess(recycled, 'SIGKILL')).toBe(false);
  expect(signalProcess(ref, 'SIGKILL')).toBe(true);
  await once(child, 'exit');
  expect(isAlive(ref)).toBe(false);
  expect(signalProcess(ref, 'SIGKILL')).toBe(false);
});
