/** The whole path: libvirt, NATS, the view, HTTP. */
import { subjects, type HttpDomain } from '@virtscope/contracts';
import { Stack } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

let stack: Stack;

/** Quiet time over which nothing may be polled. */
const quietMs = Number(process.env['VIRTSCOPE_FULL'] ?? 0) > 0 ? 60_000 : 15_000;

beforeAll(async () => {
  stack = await Stack.start();
  await stack.startGuest('first');
  await stack.libvirtd.virsh('define', stack.guest('second').xmlPath);
  await stack.live();
});

afterAll(() => stack[Symbol.asyncDispose]());

test('the list over HTTP holds exactly the domains that virsh shows', async () => {
  const { http, virsh } = await stack.settled();
  expect(http).toEqual(virsh);
  expect(http.map(({ name }) => name).toSorted()).toEqual(['first', 'second', 'test']);
});

test('each change by virsh is in the answer and on the bus within a second', async () => {
  const guest = stack.guest('changing');
  const steps: [string[], string, string | undefined][] = [
    [['define', guest.xmlPath], 'defined', 'shutoff'],
    [['start', 'changing'], 'started', 'running'],
    [['suspend', 'changing'], 'suspended', 'paused'],
    [['resume', 'changing'], 'resumed', 'running'],
    [['destroy', 'changing'], 'stopped', 'shutoff'],
    [['undefine', 'changing'], 'undefined', undefined],
  ];
  for (const [command, kind, state] of steps) {
    const from = stack.events.length;
    await stack.libvirtd.virsh(...command);
    await stack.until(
      `${kind} on the bus and ${state ?? 'absent'} over HTTP`,
      async () => {
        const found = (await stack.domains()).find(({ uuid }) => uuid === guest.uuid);
        const heard = stack.events
          .slice(from)
          .some((event) => event.uuid === guest.uuid && event.kind === kind);
        return heard && found?.state === state;
      },
      1_000,
    );
  }
  expect((await stack.get(`/v1/domains/${guest.uuid}`)).status).toBe(404);
});

test("a sampler's word that a process is another one is told as a restart", async () => {
  const [domain] = (await stack.domains()).filter(({ host, id }) => host === 'hv1' && id !== null);
  const { host, uuid, id } = domain as HttpDomain;
  stack.nc.publish(subjects.hint(host), JSON.stringify({ v: 1, host, uuid, id }));
  await stack.until('the restart', () => stack.events.some(({ kind }) => kind === 'restarted'));
  expect(stack.events.find(({ kind }) => kind === 'restarted')).toMatchObject({
    host,
    uuid,
    synthesised: true,
    before: { id },
    after: { id },
  });
});

test('look-ups by host and uuid, id and name find the same domain, with its stats', async () => {
  const [first] = (await stack.httpSays()).filter(({ name }) => name === 'first');
  const at = '/v1/hosts/hv1/domains';
  for (const path of [
    `/v1/domains/${first?.uuid}`,
    `${at}/${first?.uuid}`,
    `${at}/by-id/${first?.id}`,
    `${at}/by-name/first`,
  ]) {
    const { status, body } = await stack.get(path);
    expect(status, path).toBe(200);
    expect(body, path).toMatchObject({ ...first, trust: 'live' });
  }
  expect((await stack.get(`${at}/by-id/99999`)).status).toBe(404);
  await stack.until('stats of both tiers', async () => {
    const { body } = await stack.get(`${at}/${first?.uuid}/stats`);
    const { fields = {} } = body as { fields?: Record<string, unknown> };
    return 'state.state' in fields && Number(fields['block.0.rd.reqs']) > 0;
  });
});

test("a domain's XML is what virsh shows, from the bus", async () => {
  const shown = await stack.libvirtd.virsh('dumpxml', 'first');
  const [first] = (await stack.domains()).filter(({ name }) => name === 'first');
  const url = `${stack.url}/v1/hosts/hv1/domains/${first?.uuid}/xml`;
  await stack.until('the XML', async () => (await fetch(url)).status === 200);
  expect((await (await fetch(url)).text()).trim()).toBe(shown.trim());
});

test('the second question for capabilities, and the first after a restart, cost libvirt nothing', async () => {
  const ask = async (): Promise<number> => (await stack.get('/v1/hosts/hv1/capabilities')).status;
  const documents = async (): Promise<number> =>
    (await stack.services['caps-cache'].metric('virtscope_libvirt_calls_total'))
      .filter(({ labels }) => labels['procedure']?.toLowerCase().includes('capabilities'))
      .reduce((sum, { value }) => sum + value, 0);
  await stack.until('the first answer', async () => (await ask()) === 200);
  const after = await documents();
  expect(await ask()).toBe(200);
  expect(await documents()).toBe(after);
  await stack.services['caps-cache'].restart();
  await stack.until('an answer after the restart', async () => (await ask()) === 200);
  expect(await documents()).toBe(0);
});

test('ten thousand queries cost libvirt no call', async () => {
  const { http } = await stack.settled();
  const tiers = async (): Promise<number> =>
    [...(await stack.bill())]
      .filter(([line]) => /^(events|caps)\//.test(line) && !/\/(audit|relist)\//.test(line))
      .reduce((sum, [, calls]) => sum + calls, 0);
  const before = await tiers();
  const paths = [
    '/v1/domains',
    '/v1/hosts',
    '/v1/domains?state=running&host=hv1',
    ...http.map(({ uuid }) => `/v1/domains/${uuid}`),
    ...http.map(({ host, uuid }) => `/v1/hosts/${host}/domains/${uuid}/stats`),
    '/v1/hosts/hv1/domains/by-name/first',
    '/v1/hosts/hv1/capabilities',
  ];
  let asked = 0;
  const asker = async (): Promise<void> => {
    while (asked < 10_000) {
      const { status } = await stack.get(paths[asked++ % paths.length] ?? '');
      expect(status).toBeLessThan(500);
    }
  };
  await Promise.all(Array.from({ length: 16 }, asker));
  expect(asked).toBeGreaterThanOrEqual(10_000);
  // The sampler's own rhythm goes on and is not the queries': every call of it has its reason.
  expect(await tiers()).toBe(before);
  const reasons = [...(await stack.bill()).keys()].map((line) => line.split('/')[1]);
  expect(reasons).not.toContain('unspecified');
});

test('a quiet host is not polled', async () => {
  const outsideSamples = async (): Promise<[string, number][]> =>
    // The sampler's rhythm, the audit and the slow re-list of kinds without events are not polls:
    // each has its own reason and bound.
    [...(await stack.bill())].filter(
      ([line]) => !/^(fast|monitor|host)\/|\/(audit|relist)\//.test(line),
    );
  const before = await outsideSamples();
  // Nothing to wait for: the claim is about time that passes.
  const endMs = performance.now() + quietMs;
  await stack.until('the quiet time to pass', () => performance.now() >= endMs, quietMs + 10_000);
  expect(await outsideSamples()).toEqual(before);
  expect(before.filter(([line]) => line.includes('/poll/'))).toEqual([]);
});
