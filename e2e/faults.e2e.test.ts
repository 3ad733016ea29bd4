/** Each part is killed and started again: the view is right again without help. */
import { jetstreamManager } from '@nats-io/jetstream';
import { stateStream } from '@virtscope/contracts';
import { Stack, type ServiceName } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.start();
  await stack.startGuest('steady');
  await stack.startGuest('changing');
  await stack.live();
});

afterAll(() => stack[Symbol.asyncDispose]());

/** Events that would tell somebody that a domain ended. */
function ends(from: number): string[] {
  return stack.events
    .slice(from)
    .filter(({ kind }) => kind === 'undefined' || kind === 'stopped')
    .map(({ kind, name }) => `${name} ${kind}`);
}

/** How many sessions with libvirt event-bridge has opened. */
async function sessionsOpened(): Promise<number> {
  const calls = [...(await stack.bill())].filter(([line]) => /^events\/.*connectOpen$/.test(line));
  expect(calls.length).toBeGreaterThan(0);
  return calls.reduce((sum, [, count]) => sum + count, 0);
}

async function notLive(host: string): Promise<void> {
  await stack.until(`${host} not live`, async () => (await stack.trust(host)) !== 'live', 20_000);
}

async function rightAgain(): Promise<void> {
  await stack.live();
  const { http, virsh } = await stack.settled();
  expect(http).toEqual(virsh);
  expect(http.length).toBeGreaterThanOrEqual(3);
}

test('libvirtd killed: its hosts are lost at once, nobody is gone, and what changed is told', async () => {
  const from = stack.events.length;
  const pid = stack.libvirtd.qemuPid('changing');
  await stack.libvirtd.kill();
  await notLive('hv1');
  const during = await stack.httpSays();
  expect(during.map(({ name }) => name).toSorted()).toEqual(['changing', 'steady', 'test']);
  expect((await stack.get('/v1/domains/00000000-0000-0000-0000-000000000000')).status).toBe(503);
  process.kill(pid, 'SIGKILL');
  expect(ends(from)).toEqual([]);
  await stack.libvirtd.start();
  await rightAgain();
  expect(ends(from).filter((end) => !end.startsWith('test '))).toEqual(['changing stopped']);
  await stack.libvirtd.virsh('start', 'changing');
  await rightAgain();
});

test('bus rule 9: a full state stream makes its hosts gap, and they are right again once it takes writes', async () => {
  const jsm = await jetstreamManager(stack.nc);
  const { name, maxBytes } = stateStream;
  const { state } = await jsm.streams.info(name);
  await jsm.streams.update(name, { max_bytes: state.bytes + 100 });
  const { xmlPath } = stack.guest('late');
  await stack.libvirtd.virsh('define', xmlPath);
  await stack.until('the host to be gap', async () => (await stack.trust('hv1')) === 'gap');
  expect((await stack.get('/v1/domains/00000000-0000-0000-0000-000000000000')).status).toBe(503);
  await jsm.streams.update(name, { max_bytes: maxBytes });
  await rightAgain();
  await stack.libvirtd.virsh('undefine', 'late');
  await rightAgain();
});

test('NATS killed: no host is live meanwhile, and nothing is told to be gone', async () => {
  const from = stack.events.length;
  await stack.nats.kill();
  await notLive('hv1');
  await notLive('test1');
  expect((await stack.httpSays()).length).toBe(3);
  await stack.libvirtd.virsh('suspend', 'changing');
  await stack.nats.start();
  await rightAgain();
  await stack.libvirtd.virsh('resume', 'changing');
  await rightAgain();
  expect(ends(from)).toEqual([]);
});

test('NATS restarted empty: the fleet is never told to be empty', async () => {
  const from = stack.events.length;
  const seen: number[] = [];
  const opened = await sessionsOpened();
  await stack.nats.restartEmpty();
  await stack.until('the hosts to be live again', async () => {
    const [domains, hosts] = [await stack.domains(), await stack.hosts()];
    const allLive = hosts.length > 0 && hosts.every(({ trust }) => trust === 'live');
    if (allLive) seen.push(domains.length);
    return allLive;
  });
  expect(seen).toEqual([3]);
  await rightAgain();
  // libvirt has no part in it: its sessions go on.
  expect(await sessionsOpened()).toBe(opened);
  expect(ends(from)).toEqual([]);
});

test('Redis killed: domains and capabilities are answered on', async () => {
  const caps = async (): Promise<number> => (await stack.get('/v1/hosts/hv1/capabilities')).status;
  await stack.until('capabilities', async () => (await caps()) === 200);
  await stack.redis.kill();
  expect(await caps()).toBe(200);
  await rightAgain();
  await stack.redis.start();
  await stack.until('capabilities after Redis', async () => (await caps()) === 200);
});

test('event-bridge killed: what changed meanwhile is told, and nothing else', async () => {
  const from = stack.events.length;
  const bridge = stack.services['event-bridge'];
  await bridge.kill();
  await notLive('hv1');
  await stack.libvirtd.virsh('suspend', 'changing');
  await bridge.start();
  await rightAgain();
  const told = stack.events.slice(from).filter(({ name }) => name === 'changing');
  expect(told).toMatchObject([{ kind: 'suspended', synthesised: true }]);
  await stack.libvirtd.virsh('resume', 'changing');
  await rightAgain();
  expect(ends(from)).toEqual([]);
});

const others = ['query-api', 'stats-sampler', 'caps-cache'] satisfies ServiceName[];

test.each(others)('%s killed and started: right again, nothing told to be gone', async (name) => {
  const from = stack.events.length;
  const service = stack.services[name];
  await service.kill();
  await service.start();
  await service.ready();
  await rightAgain();
  expect(ends(from)).toEqual([]);
});

test('a stopped event-bridge hands over: not live at once, live again with the next', async () => {
  const from = stack.events.length;
  const bridge = stack.services['event-bridge'];
  await bridge.stop();
  await notLive('hv1');
  await bridge.start();
  await rightAgain();
  expect(ends(from)).toEqual([]);
});
