/** What no single host can tell: one uuid that runs twice, a daemon with two names, trust that changes. */
import { appendFileSync } from 'node:fs';
import type { EventData } from '@virtscope/contracts';
import {
  Stack,
  defineAndStart,
  pulseGuest,
  startLibvirtd,
  tempDir,
  type Libvirtd,
  type PulseGuest,
} from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const owned = new AsyncDisposableStack();
let other: Libvirtd;
let stack: Stack;
/** Starts the same domain on the other host, on a disk of its own: QEMU locks an image. */
let startTwin: (guest: PulseGuest) => Promise<void>;

beforeAll(async () => {
  other = owned.use(await startLibvirtd({ name: 'hv2' }));
  const { path } = owned.use(await tempDir('vs-twins-'));
  startTwin = ({ name, uuid }) => defineAndStart(other, pulseGuest(path, { name, uuid }));
  stack = owned.use(
    await Stack.start(() => [
      `  - { id: hv2, uri: "${other.uri}" }`,
      `  - { id: test2, uri: "${other.testUri}", identity: hostname }`,
    ]),
  );
  await stack.live('hv1', 'hv2', 'test1', 'test2');
  await told(({ kind, phase }) => kind === 'gap' && phase === 'end');
});

afterAll(() => owned.disposeAsync());

const fleet = (): EventData[] => stack.events.filter(({ host }) => host === '_fleet');

/** Waits for an event of the fleet, and gives it. */
async function told(is: (event: EventData) => boolean): Promise<EventData> {
  await stack.until('an event of the fleet', () => fleet().some(is));
  return fleet().find(is) as EventData;
}

const kindsOf = (uuid: string): string[] =>
  fleet().flatMap((event) => (event.uuid === uuid ? [event.kind] : []));

test('a uuid that runs on two live hosts is told, and cleared when one ends', async () => {
  const twin = await stack.startGuest('twin');
  await startTwin(twin);
  const alarm = await told(({ kind, uuid }) => kind === 'split-brain' && uuid === twin.uuid);
  expect(alarm).toMatchObject({ name: 'twin', payload: { hosts: ['hv1', 'hv2'] } });
  await other.virsh('destroy', 'twin');
  await told(({ kind, uuid }) => kind === 'split-brain-cleared' && uuid === twin.uuid);
  expect(kindsOf(twin.uuid)).toEqual(['split-brain', 'split-brain-cleared']);
});

test('one that starts anew while its old host cannot be reached is ambiguous, until that is known', async () => {
  const moved = await stack.startGuest('evacuated');
  await stack.until('the guest to be known', async () => {
    return (await stack.get(`/v1/domains/${moved.uuid}`)).status === 200;
  });
  await stack.libvirtd.kill();
  await told(({ kind, about, payload }) => {
    return kind === 'trust' && about === 'hv1' && payload?.['after'] === 'lost';
  });
  await startTwin(moved);
  await told(({ kind, uuid }) => kind === 'ambiguous' && uuid === moved.uuid);
  await stack.libvirtd.start();
  await told(({ kind, uuid }) => kind === 'ambiguous-cleared' && uuid === moved.uuid);
  await stack.libvirtd.virsh('destroy', 'evacuated');
  await told(({ kind, uuid }) => kind === 'split-brain-cleared' && uuid === moved.uuid);
  expect(kindsOf(moved.uuid)).toEqual([
    'ambiguous',
    'split-brain',
    'ambiguous-cleared',
    'split-brain-cleared',
  ]);
});

test('a daemon with a second name is an alias, and its domains run once', async () => {
  appendFileSync(stack.fleetFile, `  - { id: hv9, uri: "${other.uri}" }\n`);
  const alias = await told(({ kind }) => kind === 'alias');
  expect(alias).toMatchObject({ about: 'hv9', payload: { of: 'hv2' } });
});

test("the test driver's default domain, the same on every host, alarms nobody", () => {
  const alarmed = new Set(
    fleet().flatMap(({ kind, name }) => (kind === 'split-brain' ? [name] : [])),
  );
  expect([...alarmed]).toEqual(['twin', 'evacuated']);
});
