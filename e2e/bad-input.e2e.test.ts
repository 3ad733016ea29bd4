/** Bad input names where and why, and costs only itself. */
import { writeFileSync, readFileSync, appendFileSync } from 'node:fs';
import { subjects } from '@virtscope/contracts';
import { Stack, isAlive, startService, tempDir } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.start((dir) => {
    writeFileSync(`${dir}/no-daemon`, '');
    return [
      '  - { id: "bad id", uri: "qemu:///system" }',
      `  - { id: nowhere, uri: "qemu+unix:///system?socket=${dir}/none" }`,
      `  - { id: refused, uri: "qemu+unix:///system?socket=${dir}/no-daemon" }`,
    ];
  });
  await stack.startGuest('steady');
  await stack.live();
});

afterAll(() => stack[Symbol.asyncDispose]());

function log(): string {
  return readFileSync(stack.services['event-bridge'].logFile, 'utf8');
}

test('a bad entry of fleet.yaml is named with file, line, path and reason; the others go on', async () => {
  expect(log()).toMatch(/fleet\.yaml:4:\d+: hosts\.2\.id: a host id has/);
  expect((await stack.hosts()).map(({ host }) => host).toSorted()).toEqual([
    'hv1',
    'nowhere',
    'refused',
    'test1',
  ]);
});

test('an unreachable and a refusing host say which socket and why; the others are live', async () => {
  await stack.until('both problems over HTTP', async () => {
    const problems = new Map((await stack.hosts()).map(({ host, problem }) => [host, problem]));
    return (
      problems.get('nowhere')?.includes('/none') === true &&
      problems.get('refused')?.includes('/no-daemon') === true
    );
  });
  const trust = new Map((await stack.hosts()).map((each) => [each.host, each.trust]));
  expect(trust.get('hv1')).toBe('live');
  expect(trust.get('nowhere')).not.toBe('live');
  expect(trust.get('refused')).not.toBe('live');
});

test('with an unreachable host nothing is said to be absent', async () => {
  const { status, body } = await stack.get('/v1/domains/00000000-0000-0000-0000-000000000000');
  expect(status).toBe(503);
  expect(body).toMatchObject({ unreachable: ['nowhere', 'refused'] });
});

test('malformed messages on the bus are counted and change nothing', async () => {
  const before = await stack.httpSays();
  const [steady] = before.filter(({ name }) => name === 'steady');
  for (const body of ['{', '[]', '{"v":1}', '\u0000']) {
    stack.nc.publish(subjects.state('hv1', 'domain', steady?.uuid ?? ''), body);
    stack.nc.publish(subjects.stats('hv1', 'fast', 0), body);
    stack.nc.publish(subjects.heartbeat('event-bridge', 'x'), body);
  }
  await stack.nc.flush();
  await stack.until('malformed messages to be counted', async () => {
    const counted = await stack.services['query-api'].metric('virtscope_view_malformed_total');
    return counted.reduce((sum, { value }) => sum + value, 0) >= 4;
  });
  await stack.live();
  const { http, virsh } = await stack.settled();
  expect(http).toEqual(virsh);
  expect(http).toEqual(before);
});

test('fleet.yaml that turns bad keeps what was wanted; a service cannot start with it', async () => {
  const good = readFileSync(stack.fleetFile, 'utf8');
  appendFileSync(stack.fleetFile, '  - { id: [');
  await stack.until('the change to be refused', () => /fleet\.yaml:7:\d+: /.test(log()));
  await stack.live();
  await using dir = await tempDir();
  const broken = `${dir.path}/broken.yaml`;
  writeFileSync(broken, 'hosts: {');
  const options = { name: 'event-bridge', dir: dir.path, fleetFile: broken } as const;
  // It may end before or after it first answered its health check.
  const started = await startService({
    ...options,
    natsUrl: stack.nats.url,
    redisUrl: stack.redis.url,
  }).catch(() => undefined);
  const ref = started?.ref;
  await stack.until('the service to end', () => ref === undefined || !isAlive(ref));
  expect(readFileSync(`${dir.path}/event-bridge.log`, 'utf8')).toMatch(/broken\.yaml:1:\d+/);
  writeFileSync(stack.fleetFile, good);
});
