/** A hundred hosts, of which ten answer keepalives and no call: the others notice nothing of it. */
import { join } from 'node:path';
import { Stack, startSimulatedDaemon, tempDir, type SimulatedDaemon } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const hostCount = 100;
const hungCount = 10;

const owned = new AsyncDisposableStack();
const daemons = new Map<string, SimulatedDaemon>();
let stack: Stack;

const hung = (): [string, SimulatedDaemon][] => [...daemons].slice(0, hungCount);
const well = (): [string, SimulatedDaemon][] => [...daemons].slice(hungCount);

beforeAll(async () => {
  const dir = owned.use(await tempDir('vs-hundred-'));
  for (let n = 0; n < hostCount; n++) {
    const socketPath = join(dir.path, `s${n}`);
    const domains = [{ name: 'a' }, { name: 'b' }];
    const hostname = `h${n}.test`;
    const daemon = await startSimulatedDaemon({ socketPath, hostname, domains });
    daemons.set(`h${n}`, owned.use(daemon));
  }
  const lines = [...daemons].map(([id, { uri }]) => `  - { id: ${id}, uri: "${uri}" }`);
  stack = owned.use(await Stack.start(() => lines));
  await stack.live(...daemons.keys());
}, 120_000);

afterAll(() => owned.disposeAsync());

/** The hosts that are not live, with the reason. */
async function doubted(): Promise<Map<string, string>> {
  const hosts = (await stack.hosts()).filter(({ trust }) => trust !== 'live');
  return new Map(hosts.map(({ host, trustReason = '' }) => [host, trustReason]));
}

test('hosts whose workers hang are lost, and the events of all others go on meanwhile', async () => {
  using holds = new DisposableStack();
  for (const [, daemon] of hung()) holds.use(daemon.hold());
  const others = new Set<string>();
  let rounds = 0;
  for (let lost = 0; lost < hungCount; rounds++) {
    const from = stack.events.length;
    const kind = rounds % 2 === 0 ? 'suspended' : 'resumed';
    for (const [, daemon] of well()) {
      if (kind === 'suspended') daemon.suspend('a');
      else daemon.resume('a');
    }
    await stack.until(`one ${kind} of each of the others, and its row`, async () => {
      const told = new Set(stack.events.slice(from).map((event) => `${event.host} ${event.kind}`));
      if (!well().every(([id]) => told.has(`${id} ${kind}`))) return false;
      const state = kind === 'suspended' ? 'paused' : 'running';
      const rows = (await stack.domains()).filter(({ name }) => name === 'a');
      return rows.filter((row) => row.state === state).length >= hostCount - hungCount;
    });
    const doubts = await doubted();
    for (const id of doubts.keys()) if (!hung().some(([each]) => each === id)) others.add(id);
    lost = doubts.size;
  }
  expect([...others]).toEqual([]);
  expect(rounds).toBeGreaterThan(2);
  const reasons = new Set((await doubted()).values());
  expect([...reasons].every((reason) => reason !== '')).toBe(true);
  expect(stack.events.filter(({ kind }) => kind === 'undefined')).toEqual([]);
}, 120_000);

test('they are live again once their daemons work', async () => {
  await stack.live(...daemons.keys());
  expect(await stack.domains()).toHaveLength(2 * hostCount + (await stack.virshSays()).length);
}, 120_000);
