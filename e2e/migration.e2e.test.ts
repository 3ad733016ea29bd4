/** A domain moves between two hosts while somebody watches. */
import { startLibvirtd, Stack, type Libvirtd } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventData, HttpDomain } from '@virtscope/contracts';

const owned = new AsyncDisposableStack();
let target: Libvirtd;
let stack: Stack;
/** A daemon that is not in the inventory. */
let outside: Libvirtd;
let uuid: string;

beforeAll(async () => {
  target = owned.use(await startLibvirtd({ name: 'hv2' }));
  outside = owned.use(await startLibvirtd({ name: 'hv9' }));
  stack = owned.use(await Stack.start(() => [`  - { id: hv2, uri: "${target.uri}" }`]));
  uuid = (await stack.startGuest('wanderer')).uuid;
  await stack.live('hv1', 'hv2', 'test1');
});

afterAll(() => owned.disposeAsync());

type Answer = { status: number; host?: string; state?: string };

/** Asks for the domain again and again until `done`; every answer is kept. */
async function watch(done: Promise<unknown>): Promise<Answer[]> {
  const answers: Answer[] = [];
  const over = new AbortController();
  const stop = (): void => over.abort();
  done.then(stop, stop);
  while (!over.signal.aborted) {
    const { status, body } = await stack.get(`/v1/domains/${uuid}`);
    const { host, state } = body as Partial<HttpDomain>;
    answers.push({ status, ...(host && { host }), ...(state && { state }) });
  }
  await done;
  return answers;
}

function migrate(
  from: Libvirtd,
  to: Libvirtd,
  name = 'wanderer',
  ...flags: string[]
): Promise<string> {
  return from.virsh(
    'migrate',
    '--live',
    '--persistent',
    '--unsafe',
    ...flags,
    name,
    to.uriRw,
    '--migrateuri',
    'tcp:127.0.0.1',
  );
}

async function settledOn(host: string): Promise<void> {
  await stack.until(`the domain to run on ${host} alone`, async () => {
    const { body } = await stack.get(`/v1/domains/${uuid}`);
    const domain = body as HttpDomain & { presences: HttpDomain[] };
    const running = domain.presences.filter(({ state }) => state === 'running');
    return domain.host === host && domain.state === 'running' && running.length === 1;
  });
}

test.each([
  ['there', 'hv1', 'hv2'],
  ['and back', 'hv2', 'hv1'],
] as const)(
  '%s: at no moment is the domain said to be stopped or absent',
  async (_way, from, to) => {
    const hosts = { hv1: stack.libvirtd, hv2: target };
    const answers = await watch(migrate(hosts[from], hosts[to]).then(() => settledOn(to)));
    expect(answers.length).toBeGreaterThan(10);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const states = new Set(answers.map(({ state }) => state));
    expect(states).not.toContain('shutoff');
    await settledOn(to);
  },
);

test('the raw feed has both sides of each move', () => {
  const story = (host: string): string[] =>
    stack.events
      .filter((event) => event.host === host && event.uuid === uuid)
      .map(({ kind, detail }) => `${kind}/${detail}`);
  expect(story('hv1')).toContain('stopped/migrated');
  expect(story('hv1').filter((line) => line === 'resumed/migrated').length).toBeGreaterThan(0);
  expect(story('hv2')).toContain('stopped/migrated');
  expect(story('hv2').some((line) => line.endsWith('/migrated'))).toBe(true);
});

test('no move was taken for a split brain', () => {
  const alarms = stack.events.filter((event) => event.host === '_fleet' && event.uuid === uuid);
  expect(alarms).toEqual([]);
});

test('each side of the moves settles: it runs where it came back to, and not where it left', async () => {
  const lastSettled = (host: string): EventData | undefined =>
    stack.events.findLast((e) => e.kind === 'settled' && e.host === host && e.uuid === uuid);
  await stack.until('both sides to settle', () => {
    const [source, target] = [lastSettled('hv1'), lastSettled('hv2')];
    return source?.after?.state === 'running' && target?.after?.state === 'shutoff';
  });
  expect(lastSettled('hv2')?.after).toEqual({ state: 'shutoff', id: null });
  // Who reads the stories of domains reads one: that of the host where it runs.
  expect(lastSettled('hv2')?.detail).toBe('migrated');
  expect(lastSettled('hv1')).not.toHaveProperty('detail');
});

test('one that leaves for a host that nobody watches is migrating, then unknown, and absent at last', async () => {
  const { uuid: emigrant } = await stack.startGuest('emigrant');
  const ask = (): ReturnType<Stack['get']> => stack.get(`/v1/domains/${emigrant}`);
  await stack.until('the guest to be known', async () => (await ask()).status === 200);
  const seen: string[] = [];
  const moved = migrate(stack.libvirtd, outside, 'emigrant', '--undefinesource');
  await stack.until('its absence', async () => {
    const { status, body } = await ask();
    const told = status === 200 ? (body as HttpDomain).state : String(status);
    if (seen.at(-1) !== told) seen.push(told);
    return status === 404;
  });
  await moved;
  // libvirt pauses it for the last round of copying; whether that is seen is a matter of luck.
  const [first, ...rest] = seen.filter((told) => told !== 'paused');
  expect(first).toBe('running');
  expect(rest.filter((told) => told !== '503')).toEqual(['migrating', '404']);
});
