import { domainAnswerSchema, settleMs, type Presence } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { Asking, type Answer } from './asking.ts';
import { getBatch } from './batch.ts';
import { basisOf, findDomain } from './lookup.ts';
import { everything, type Scope } from './scope.ts';
import { findUsage } from './usage.ts';
import { at, config, presence, record, tombstone, uuidOf, World } from './world.fixture.ts';

/** Two live hosts, of which hv1 runs domain 1. */
function world(more: Partial<Presence> = {}): World {
  const made = World.ready('hv1', 'hv2');
  made.state(record('hv1'), record('hv2'), presence('hv1', 1, { config: config(), ...more }));
  verified(made, 1_000);
  return made;
}

/** Both hosts were verified at `atMs`. */
function verified(made: World, atMs: number): void {
  const pulse = { upTo: made.seq, verifiedAgeMs: 0 };
  made.beat(atMs, { hv1: pulse, hv2: pulse });
}

const stayedBehind = presence('hv1', 1, { state: 'shutoff', stateReason: 'migrated', id: null });
const leftForGood = tombstone('hv1', 1, {
  tombstone: { reason: 'gone', at: '2026-01-01T00:00:00.000Z', departure: 'migrated' },
});
const endedUnseen = tombstone('hv1', 1, {
  tombstone: { reason: 'gone', at: '2026-01-01T00:00:00.000Z', departure: 'unseen' },
});

function ask(made: World, nowMs: number, scope: Scope = everything): Answer {
  return findDomain(new Asking(made.view, at(nowMs), scope), uuidOf(1));
}

function shown(answer: Answer): Record<string, unknown> {
  expect(answer.kind).toBe('found');
  return domainAnswerSchema.parse(JSON.parse((answer as { json: string }).json));
}

/** What the world hears, at a time of its own. */
function hear(made: World, nowMs: number, ...bodies: Parameters<World['state']>): void {
  for (const body of bodies) made.stateAt(nowMs, body);
}

test.for([
  ['a persistent domain', stayedBehind, 1],
  ['a transient domain', leftForGood, 0],
] as const)(
  '%s whose source stopped before its target was heard is migrating, not stopped or absent',
  ([, left, presences]) => {
    const made = world();
    hear(made, 2_000, left);
    const answer = shown(ask(made, 2_000));
    expect(answer).toMatchObject({ host: 'hv1', state: 'migrating', id: null, name: 'vm-1' });
    expect(answer['presences']).toHaveLength(presences);
    const batch = getBatch(new Asking(made.view, at(2_000)), [uuidOf(1)]) as { json: string };
    expect(JSON.parse(batch.json)).toMatchObject({ domains: [{ state: 'migrating' }] });
    hear(made, 3_000, presence('hv2', 1, { id: 7 }));
    expect(shown(ask(made, 3_000))).toMatchObject({ host: 'hv2', state: 'running' });
  },
);

test('after the settle window it is unknown until every host was verified later', () => {
  const made = world();
  hear(made, 2_000, stayedBehind);
  verified(made, 2_000);
  const lateMs = 2_000 + settleMs;
  expect(shown(ask(made, lateMs - 1))).toMatchObject({ state: 'migrating' });
  expect(ask(made, lateMs)).toMatchObject({ kind: 'unknown', unreachable: ['hv1', 'hv2'] });
  made.beat(lateMs, { hv1: { upTo: made.seq, verifiedAgeMs: 0 } });
  expect(ask(made, lateMs)).toMatchObject({ kind: 'unknown', unreachable: ['hv2'] });
  verified(made, lateMs);
  expect(shown(ask(made, lateMs))).toMatchObject({ host: 'hv1', state: 'shutoff' });
});

test('a domain that ended while nobody watched is absent once every host was verified later', () => {
  const made = world();
  hear(made, 2_000, endedUnseen);
  expect(ask(made, 2_100)).toMatchObject({ kind: 'unknown' });
  expect(ask(made, 2_100)).toHaveProperty('detail', expect.stringContaining('may run on another'));
  verified(made, 2_500);
  expect(ask(made, 2_500).kind).toBe('absent');
});

test('an end that was heard is absence at once, and a stop is a stop', () => {
  const made = world();
  hear(made, 2_000, presence('hv1', 1, { state: 'shutoff', stateReason: 'destroyed', id: null }));
  expect(shown(ask(made, 2_000))).toMatchObject({ state: 'shutoff' });
  hear(made, 2_100, tombstone('hv1', 1));
  expect(ask(made, 2_100).kind).toBe('absent');
});

test('a definition that is undefined long after its process left does not migrate again', () => {
  const made = world();
  hear(made, 2_000, stayedBehind);
  verified(made, 60_000);
  hear(made, 60_000, leftForGood);
  expect(ask(made, 60_000).kind).toBe('absent');
});

test('what a domain took along is not free until every host was verified later', () => {
  const made = world();
  hear(made, 2_000, leftForGood);
  const verdicts = (): unknown[] =>
    [
      { disk: '/images/1.qcow2' },
      { mac: '52:54:00:00:00:01' },
      { name: 'vm-1' },
      { name: 'another' },
    ].map((used) => {
      const { json } = findUsage(new Asking(made.view, at(2_500)), used) as { json: string };
      return (JSON.parse(json) as { verdict: unknown }).verdict;
    });
  expect(verdicts()).toEqual(['unknown', 'unknown', 'unknown', 'free']);
  verified(made, 2_500);
  expect(verdicts()).toEqual(['free', 'free', 'free', 'free']);
});

test('a view that was filled after a domain had left knows no better than one that saw it', () => {
  for (const left of [stayedBehind, endedUnseen, leftForGood]) {
    const made = World.ready('hv1', 'hv2');
    made.view.stateOpened({ createdMs: 2_000, timeline: 0 }, 'read anew');
    hear(made, 900, record('hv1'), record('hv2'), left);
    made.view.stateCaughtUp(made.seq, 1_000);
    made.beat(1_500, {
      hv1: { upTo: made.seq, verifiedAgeMs: 0 },
      hv2: { upTo: made.seq, verifiedAgeMs: 700 },
    });
    expect(ask(made, 1_500)).toMatchObject({ kind: 'unknown', unreachable: ['hv2'] });
    verified(made, 2_000);
    expect(ask(made, 2_000).kind).not.toBe('unknown');
  }
});

test('the tag of an answer changes with what time alone changes in it', () => {
  const made = world();
  hear(made, 2_000, stayedBehind);
  const question = (nowMs: number): string =>
    basisOf(new Asking(made.view, at(nowMs)), uuidOf(1)).question;
  const questions = [question(2_000), question(2_000 + settleMs)];
  verified(made, 2_000 + settleMs);
  questions.push(question(2_000 + settleMs));
  expect(new Set(questions).size).toBe(3);
});

test('a caller hears of nobody that it may not see', () => {
  const made = world();
  hear(made, 2_000, leftForGood);
  const scope: Scope = { ...everything, key: 'hv2', host: (host) => host === 'hv2' };
  expect(ask(made, 2_000, scope).kind).toBe('absent');
});
