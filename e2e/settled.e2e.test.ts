/** What an HA manager hears of a reboot, also when the bridge that heard it dies. */
import { Stack } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.start();
  // Its start is to be heard, not found by the first list.
  await stack.live();
  await stack.startGuest('rebooter');
});

afterAll(() => stack[Symbol.asyncDispose]());

const settled = (from: number): { before: unknown; after: unknown }[] =>
  stack.events
    .slice(from)
    .filter(({ kind, name }) => kind === 'settled' && name === 'rebooter')
    .map(({ before, after }) => ({ before: before ?? null, after: after ?? null }));

test('a reboot is one settled story, told by the next bridge when the first one dies', async () => {
  await stack.until('its start to settle', () => settled(0).length === 1);
  const from = stack.events.length;
  await stack.libvirtd.virsh('destroy', 'rebooter');
  await stack.libvirtd.virsh('start', 'rebooter');
  await stack.until('the reboot to be heard', () =>
    stack.events.slice(from).some(({ kind }) => kind === 'started'),
  );
  await stack.settled();
  const bridge = stack.services['event-bridge'];
  await bridge.kill();
  await bridge.start();
  await stack.until('the reboot to settle', () => settled(from).length > 0);
  await stack.live();
  expect(settled(from)).toEqual([
    { before: { state: 'running', id: 1 }, after: { state: 'running', id: 2 } },
  ]);
});
