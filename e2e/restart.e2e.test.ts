/** libvirtd dies with twenty running domains; what happens meanwhile is told exactly. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const running = Array.from({ length: 20 }, (_, i) => `vm${String(i).padStart(2, '0')}`);
const doomed = running.slice(0, 5);
const placed = ['late0', 'late1', 'late2'];

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.start();
  // Two at a time: the machine has two cores.
  const queue = [...running];
  const starter = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      await stack.startGuest(name);
    }
  };
  await Promise.all([starter(), starter()]);
  await stack.live();
});

afterAll(() => stack[Symbol.asyncDispose]());

test('killed domains and placed definitions are the only transitions told, and the view is right', async () => {
  expect((await stack.settled()).http).toHaveLength(running.length + 1);
  const from = stack.events.length;
  const pids = doomed.map((name) => stack.libvirtd.qemuPid(name));
  await stack.libvirtd.kill();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  for (const name of placed) {
    writeFileSync(join(stack.libvirtd.dir, 'etc/qemu', `${name}.xml`), stack.guest(name).xml);
  }
  await stack.until('the host to be lost', async () => (await stack.trust('hv1')) !== 'live');
  await stack.libvirtd.start();
  await stack.live();
  const { http, virsh } = await stack.settled();
  expect(http).toEqual(virsh);
  const told = stack.events
    .slice(from)
    // Their starts may settle meanwhile: that is no transition.
    .filter(({ host, kind }) => host === 'hv1' && kind !== 'settled')
    .map(
      ({ kind, name, phase, synthesised }) => `${phase ?? name} ${kind} ${synthesised === true}`,
    );
  expect([told.at(0), told.at(-1)]).toEqual(['begin gap false', 'end gap false']);
  expect(told.slice(1, -1).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    ...placed.map((name) => `${name} defined true`),
    ...doomed.map((name) => `${name} stopped true`),
  ]);
});
