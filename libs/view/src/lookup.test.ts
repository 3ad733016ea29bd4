import { domainAnswerSchema, hostDomainAnswerSchema } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { Asking } from './asking.ts';
import type { Answer } from './asking.ts';
import { findHost } from './hosts.ts';
import { findDomain, findOnHost, notReady } from './lookup.ts';
import { View } from './view.ts';
import { at, presence, record, tombstone, uuidOf, World } from './world.fixture.ts';

function parsed(answer: Answer): Record<string, unknown> {
  expect(answer.kind).toBe('found');
  return JSON.parse((answer as { json: string }).json) as Record<string, unknown>;
}

/** hv1 is live with one domain; hv2 as told. */
function world(): World {
  const made = World.ready('hv1', 'hv2');
  made.state(record('hv1'), record('hv2'), presence('hv1', 1));
  made.beat(1_000, { hv1: { upTo: 3 }, hv2: { upTo: 3, verifiedAgeMs: 3_000 } });
  return made;
}

test('a domain is found by uuid, by host and uuid, id and name', () => {
  const { view } = world();
  const now = at(1_000);
  const byUuid = parsed(findDomain(new Asking(view, now), uuidOf(1)));
  expect(domainAnswerSchema.parse(byUuid)).toEqual(byUuid);
  expect(byUuid).toMatchObject({ host: 'hv1', name: 'vm-1', id: 1, trust: 'live' });
  for (const by of [{ uuid: uuidOf(1) }, { id: 1 }, { name: 'vm-1' }]) {
    const answer = parsed(findOnHost(new Asking(view, now), 'hv1', by));
    expect(hostDomainAnswerSchema.parse(answer)).toEqual(answer);
    expect(answer).toMatchObject({ uuid: uuidOf(1), trust: 'live' });
  }
});

test('a domain on two hosts answers with its owner and both presences', () => {
  const made = world();
  made.state(presence('hv2', 1, { state: 'paused', id: 9 }));
  const answer = parsed(findDomain(new Asking(made.view, at(1_000)), uuidOf(1)));
  expect(answer).toMatchObject({ host: 'hv1', state: 'running' });
  expect(answer['presences']).toMatchObject([{ host: 'hv1' }, { host: 'hv2', state: 'paused' }]);
});

test('absence is claimed only when every wanted host is live, as of the oldest verification', () => {
  const made = world();
  const absent = findDomain(new Asking(made.view, at(1_500)), uuidOf(2));
  // hv2 was verified at 1,000 - 3,000.
  expect(absent).toMatchObject({ kind: 'absent', asOf: new Date(at(-2_000).wallMs).toISOString() });
  made.state(record('hv2', { sync: 'lost', problem: 'connection refused' }));
  const unknown = findDomain(new Asking(made.view, at(1_500)), uuidOf(2));
  expect(unknown).toMatchObject({ kind: 'unknown', unreachable: ['hv2'] });
  expect(unknown).toHaveProperty('detail', expect.stringContaining('connection refused'));
  // On a host that is live, absence there is still a proof.
  expect(findOnHost(new Asking(made.view, at(1_500)), 'hv1', { uuid: uuidOf(2) }).kind).toBe(
    'absent',
  );
  expect(findOnHost(new Asking(made.view, at(1_500)), 'hv2', { uuid: uuidOf(2) }).kind).toBe(
    'unknown',
  );
});

test('a scope without hosts, and a host that nobody watches, prove nothing', () => {
  expect(findDomain(new Asking(World.ready().view, at(0)), uuidOf(1)).kind).toBe('unknown');
  const answer = findOnHost(new Asking(world().view, at(1_000)), 'hv7', { name: 'vm-1' });
  expect(answer).toMatchObject({ kind: 'unknown', unreachable: ['hv7'] });
  expect(findHost(new Asking(world().view, at(1_000)), 'hv7').kind).toBe('absent');
});

test('an id that STOPPED took away finds nothing, and its next owner is found by it', () => {
  const made = world();
  made.state(presence('hv1', 1, { state: 'shutoff', id: null }));
  expect(findOnHost(new Asking(made.view, at(1_000)), 'hv1', { id: 1 }).kind).toBe('absent');
  made.state(presence('hv1', 2, { id: 1 }));
  expect(parsed(findOnHost(new Asking(made.view, at(1_000)), 'hv1', { id: 1 }))).toMatchObject({
    uuid: uuidOf(2),
  });
});

test('while the id of a domain that runs is not known, no id is said to be nobody’s', () => {
  const made = world();
  made.state(presence('hv1', 2, { id: null, stateFrom: 'event' }));
  const answer = findOnHost(new Asking(made.view, at(1_000)), 'hv1', { id: 7 });
  expect(answer).toMatchObject({ kind: 'unknown', unreachable: ['hv1'] });
  expect(JSON.stringify(answer)).toContain('id of one of its domains is not known yet');
  expect(parsed(findOnHost(new Asking(made.view, at(1_000)), 'hv1', { id: 1 }))).toMatchObject({
    uuid: uuidOf(1),
  });
  made.state(presence('hv1', 2, { id: 8 }));
  expect(findOnHost(new Asking(made.view, at(1_000)), 'hv1', { id: 7 }).kind).toBe('absent');
});

test('while two rows claim a name or an id, the later word counts', () => {
  const made = world();
  made.state(presence('hv1', 2, { name: 'vm-1', id: 1 }));
  for (const by of [{ name: 'vm-1' }, { id: 1 }]) {
    expect(parsed(findOnHost(new Asking(made.view, at(1_000)), 'hv1', by))['uuid']).toBe(uuidOf(2));
  }
  made.state(tombstone('hv1', 2));
  expect(
    parsed(findOnHost(new Asking(made.view, at(1_000)), 'hv1', { name: 'vm-1' }))['uuid'],
  ).toBe(uuidOf(1));
});

test('a look-up by id on a host that is not live is refused', () => {
  const made = world();
  made.state(record('hv1', { sync: 'lost' }));
  const answer = findOnHost(new Asking(made.view, at(1_000)), 'hv1', { id: 1 });
  expect(answer).toMatchObject({ kind: 'unknown', unreachable: ['hv1'] });
});

test('a lost session takes its ids away; name and state stay, marked', () => {
  const made = world();
  made.state(record('hv1', { sync: 'lost', problem: 'hung up' }));
  expect(
    parsed(findOnHost(new Asking(made.view, at(1_000)), 'hv1', { name: 'vm-1' })),
  ).toMatchObject({
    id: null,
    state: 'running',
    trust: 'lost',
    trustReason: 'hung up',
  });
});

test('before it was filled once the view answers nothing', () => {
  const view = new View();
  expect(notReady(view, at(0))).toMatchObject({ kind: 'not-ready' });
  expect(notReady(world().view, at(1_000))).toBeUndefined();
});
