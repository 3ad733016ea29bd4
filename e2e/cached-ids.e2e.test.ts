/** libvirt's ids are given anew: whoever kept one is never answered with a domain that is gone. */
import { randomUUID } from 'node:crypto';
import { eventId, type EventData, type HttpDomain } from '@virtscope/contracts';
import { Stack, waitFor } from '@virtscope/testkit';
import { connect, type Domain } from 'node-libvirt';
import { admin } from 'node-libvirt/admin';
import { afterAll, beforeAll, expect, test } from 'vitest';

const restarts = 1_000;
const clients = 8;

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.start();
  await stack.live();
});

afterAll(() => stack[Symbol.asyncDispose]());

const xmlOf = (name: string, uuid: string): string =>
  `<domain type='test'><name>${name}</name><uuid>${uuid}</uuid><memory unit='MiB'>8</memory>
   <vcpu>1</vcpu><os><type>hvm</type></os></domain>`;

const of = (uuid: string, kind: string): EventData[] =>
  stack.events.filter((event) => event.uuid === uuid && event.kind === kind);

/** Asks by an id, and for nothing older than the event. */
async function ask(id: number, since: EventData): Promise<{ status: number; uuid?: string }> {
  const path = `/v1/hosts/test1/domains/by-id/${id}?minRevision=${eventId(since)}`;
  const { status, body } = await stack.get(path);
  return status === 200 ? { status, uuid: (body as HttpDomain).uuid } : { status };
}

/**
 * The answer, once the id is known: a start that others follow within a read is told, and its id
 * is read later. Until then it is `unknown` whose an id is.
 */
async function known(id: number, since: EventData): Promise<{ status: number; uuid?: string }> {
  const look = async (): Promise<{ status: number; uuid?: string } | undefined> => {
    const answer = await ask(id, since);
    return answer.status === 503 ? undefined : answer;
  };
  return waitFor(look, { what: 'the id of what runs to be known', timeoutMs: 60_000 });
}

test('a thousand restarts: an id that a stop took away answers with nothing, whoever asks', async () => {
  const uuid = randomUUID();
  await using session = await connect(stack.libvirtd.testUriRw, { readOnly: false });
  const write = admin(session);
  const domain = await write.domainDefineXml(xmlOf('phoenix', uuid));
  let running: Domain = await write.domainCreate(domain);
  /** Ids that are nobody's any more, each with the event that took it away. */
  const taken: { id: number; since: EventData }[] = [];
  const statuses: number[] = [];
  let over = false;
  const client = async (n: number): Promise<void> => {
    for (let next = n; !over || next < taken.length;) {
      const question = taken[next];
      if (question === undefined) {
        await stack.until('the next restart', () => over || taken.length > next);
        continue;
      }
      statuses.push((await ask(question.id, question.since)).status);
      // Each client asks for every second one: four are asked about each.
      next += 2;
    }
  };
  const asking = Promise.all(Array.from({ length: clients }, (_, n) => client(n % 2)));
  for (let i = 0; i < restarts; i++) {
    const { id } = running;
    await write.domainDestroy(domain);
    running = await write.domainCreate(domain);
    await stack.until('the stop to be told', () => of(uuid, 'stopped').length > i);
    taken.push({ id, since: of(uuid, 'stopped')[i] as EventData });
  }
  over = true;
  await asking;
  expect(statuses).toHaveLength((restarts * clients) / 2);
  expect(statuses.filter((status) => status === 200)).toEqual([]);
  expect(statuses.filter((status) => status === 404).length).toBeGreaterThan(restarts);
  const started = of(uuid, 'started').at(-1) as EventData;
  expect(await known(running.id, started)).toEqual({ status: 200, uuid });
}, 300_000);

test('a daemon that was restarted gives the same ids to others, and each answers for its own', async () => {
  const [before, after] = [randomUUID(), randomUUID()];
  let oldId = 0;
  {
    await using session = await connect(stack.libvirtd.testUriRw, { readOnly: false });
    const write = admin(session);
    const domain = await write.domainDefineXml(xmlOf('before', before));
    oldId = (await write.domainCreate(domain)).id;
    await stack.until('its start', () => of(before, 'started').length > 0);
    expect(await ask(oldId, of(before, 'started')[0] as EventData)).toMatchObject({ uuid: before });
  }
  const gaps = (): EventData[] =>
    stack.events.filter(({ host, kind, phase }) => {
      return host === 'test1' && kind === 'gap' && phase === 'end';
    });
  const from = gaps().length;
  await stack.libvirtd.kill();
  await stack.libvirtd.start();
  await stack.until('the sync after the restart', () => gaps().length > from);
  expect(await ask(oldId, gaps().at(-1) as EventData)).toEqual({ status: 404 });
  // The test driver begins anew: with enough starts the id comes up again.
  await using session = await connect(stack.libvirtd.testUriRw, { readOnly: false });
  const write = admin(session);
  const domain = await write.domainDefineXml(xmlOf('after', after));
  let { id } = await write.domainCreate(domain);
  let starts = 1;
  for (; id < oldId; starts++) {
    await write.domainDestroy(domain);
    ({ id } = await write.domainCreate(domain));
  }
  expect(id).toBe(oldId);
  await stack.until('its last start', () => of(after, 'started').length >= starts);
  expect(await known(oldId, of(after, 'started').at(-1) as EventData)).toEqual({
    status: 200,
    uuid: after,
  });
}, 120_000);
