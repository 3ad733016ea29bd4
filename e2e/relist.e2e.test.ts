/** A driver that sends no events of its domains: it is listed at its interval. */
import { join } from 'node:path';
import { Stack, startSimulatedDaemon, tempDir, type SimulatedDaemon } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const owned = new AsyncDisposableStack();
let daemon: SimulatedDaemon;
let stack: Stack;

beforeAll(async () => {
  const dir = owned.use(await tempDir('vs-relist-'));
  const socketPath = join(dir.path, 'sock');
  daemon = owned.use(
    await startSimulatedDaemon({
      socketPath,
      readOnlySocketPath: `${socketPath}-ro`,
      hostname: 'mute.test',
      withoutDomainEvents: true,
      domains: [{ name: 'web' }, { name: 'off', state: 'shutoff' }],
    }),
  );
  const uri = `qemu+unix:///system?socket=${socketPath}-ro`;
  stack = owned.use(
    await Stack.start(() => [`  - { id: mute, uri: "${uri}", relistIntervalSeconds: 1 }`]),
  );
  await stack.live('mute');
});

afterAll(() => owned.disposeAsync());

async function stateOf(name: string): Promise<string | number> {
  const { status, body } = await stack.get(`/v1/hosts/mute/domains/by-name/${name}`);
  return status === 200 ? (body as { state: string }).state : status;
}

test('the host says what it lacks, and stays live', async () => {
  const host = (await stack.hosts()).find((each) => each.host === 'mute');
  expect(host?.missingKinds).toContain('lifecycle');
  expect(host?.trust).toBe('live');
});

test('changes are found by the next list, and told as net effects', async () => {
  daemon.destroy('web');
  daemon.start('off');
  await stack.until('both changes', async () => {
    return (await stateOf('web')) === 'shutoff' && (await stateOf('off')) === 'running';
  });
  const told = stack.events.filter(({ host, uuid, kind }) => {
    return host === 'mute' && uuid !== undefined && kind !== 'defined';
  });
  expect(told.every(({ synthesised }) => synthesised === true)).toBe(true);
  const kinds = told.map(({ name, kind }) => `${name} ${kind}`);
  expect(kinds).toContain('web stopped');
  expect(kinds).toContain('off started');
});

test('a domain that was undefined between two lists is gone, by proof', async () => {
  daemon.undefine('web');
  await stack.until('its absence', async () => (await stateOf('web')) === 404);
  expect(await stateOf('off')).toBe('running');
});

test('lists are billed under their reason, and at their interval', async () => {
  const lists = async (): Promise<number> => {
    const bill = await stack.bill();
    return bill.get('events/relist/connectListAllDomains') ?? 0;
  };
  const before = await lists();
  await stack.until('three more rounds', async () => (await lists()) >= before + 3 * 4);
  // The audit goes on beside them, and nothing else does.
  const reasons = [...(await stack.bill()).keys()].filter((line) => line.startsWith('events/'));
  expect(reasons.some((line) => line.startsWith('events/poll/'))).toBe(false);
});
