import { expect, test } from 'vitest';
import { Asking } from './asking.ts';
import { findHost } from './hosts.ts';
import { at, presence, record, World } from './world.fixture.ts';

function trust(world: World, nowMs: number, host = 'hv1'): [string, string | undefined] {
  const { trust: level, reason } = world.view.trustOf(host, nowMs);
  return [level, reason];
}

function live(): World {
  const world = World.ready('hv1');
  world.state(record('hv1', { sync: 'syncing' }), presence('hv1', 1), record('hv1'));
  world.beat(1_000, { hv1: { upTo: 3 } });
  return world;
}

test('a synced host with a fresh heartbeat is live', () => {
  expect(trust(live(), 1_500)).toEqual(['live', undefined]);
});

test('verifiedAt is told in the wall clock of the reader, by its monotonic age', () => {
  const world = World.ready('hv1');
  world.state(record('hv1'));
  world.beat(10_000, { hv1: { verifiedAgeMs: 4_000, upTo: 1 } });
  const answer = findHost(
    new Asking(world.view, { monotonicMs: 11_000, wallMs: 1_800_000_005_000 }),
    'hv1',
  );
  expect(answer).toMatchObject({ kind: 'found' });
  const { verifiedAt } = JSON.parse((answer as { json: string }).json) as { verifiedAt: string };
  // Verified at 6,000, asked at 11,000: five seconds before the wall's now.
  expect(verifiedAt).toBe(new Date(1_800_000_000_000).toISOString());
});

test('a heartbeat counts from the round trip before it, however late it came', () => {
  const world = live();
  // The process slept: the beats that lay in its buffer prove nothing about the time after 1,000.
  world.view.heartbeat(
    'virt.v1.heartbeat.event-bridge.one',
    new TextEncoder().encode(
      JSON.stringify({
        v: 1,
        role: 'event-bridge',
        replica: 'one',
        beat: 2,
        hosts: { hv1: { epoch: 10, link: 'synced', verifiedAgeMs: 0, seq: 1, upTo: 3 } },
      }),
    ),
  );
  expect(trust(world, 60_000)[0]).toBe('lost');
});

test('bus rule 8: a heartbeat is believed only once the view has applied what it vouches for', () => {
  const world = live();
  world.beat(5_000, { hv1: { upTo: 4 } });
  expect(trust(world, 6_500)).toEqual(['lost', 'its event-bridge is silent for 5.5 s']);
  world.state(presence('hv1', 2));
  expect(trust(world, 6_500)[0]).toBe('live');
});

test('a view that is always a little behind still comes to believe a heartbeat', () => {
  const world = live();
  for (let n = 0; n < 100; n++) {
    world.beat(2_000 + n * 1_000, { hv1: { upTo: world.seq + 1 } });
    expect(trust(world, 2_000 + n * 1_000)[0]).toBe('live');
    world.state(presence('hv1', 2));
  }
});

test('a promise of a session that is over does not keep the next one from being believed', () => {
  const world = live();
  world.beat(2_000, { hv1: { upTo: 900 } });
  world.state(record('hv1', { epoch: 11 }));
  world.beat(3_000, { hv1: { upTo: 4, epoch: 11 } });
  expect(trust(world, 3_000)[0]).toBe('live');
  world.beat(4_000, { hv1: { upTo: 900, epoch: 11 } });
  world.beat(9_000, { hv1: { upTo: 4, epoch: 11 } });
  expect(trust(world, 9_000)[0]).toBe('live');
});

test('a heartbeat before the first round trip is of no known age', () => {
  const world = World.ready('hv1');
  world.state(record('hv1'));
  world.view.heartbeat(
    'virt.v1.heartbeat.event-bridge.one',
    new TextEncoder().encode('{"v":1,"role":"event-bridge","replica":"one","beat":1,"hosts":{}}'),
  );
  expect(world.view.pulses.refused.unbounded).toBe(1);
  expect(trust(world, 1_000)[0]).toBe('lost');
});

test('a silent event-bridge makes its hosts lost', () => {
  const world = live();
  world.view.roundTripEnded({ startedMs: 7_000, endedMs: 7_001 });
  expect(trust(world, 7_000)).toEqual(['lost', 'its event-bridge is silent for 6.0 s']);
});

test('a host whose verification is old is lost, though its bridge beats', () => {
  const world = live();
  world.beat(30_000, { hv1: { upTo: 3, verifiedAgeMs: 15_001 } });
  expect(trust(world, 30_000)).toEqual(['lost', 'last verified 15.0 s ago, above 15.0 s']);
});

test('a heartbeat of another epoch than the record makes the host syncing', () => {
  const world = live();
  world.beat(2_000, { hv1: { upTo: 3, epoch: 11 } });
  expect(trust(world, 2_000)[0]).toBe('syncing');
});

test('a stale writer that still beats does not hide that the owner is silent', () => {
  const world = live();
  world.beat(8_000, { hv1: { upTo: 3, epoch: 9 } });
  expect(trust(world, 8_000)[0]).toBe('lost');
  expect(world.view.pulses.refused['stale-writer']).toBe(1);
});

test('what the session says of itself is the trust, with its words', () => {
  const world = live();
  world.beat(2_000, { hv1: { upTo: 3, link: 'gap' } });
  expect(trust(world, 2_000)[0]).toBe('gap');
  world.state(record('hv1', { sync: 'lost', problem: 'connection refused' }));
  expect(trust(world, 2_000)).toEqual(['lost', 'connection refused']);
  world.state(record('hv1', { sync: 'identity-changed' }));
  expect(trust(world, 2_000)[0]).toBe('identity-changed');
});

test('no host is live while the reader is cut off, and each is again when it returns', () => {
  const world = live();
  world.view.connection(false);
  expect(trust(world, 1_500)).toEqual(['lost', 'query-api is cut off from NATS']);
  world.view.connection(true);
  expect(trust(world, 1_500)[0]).toBe('live');
});

test('no host is live while NATS does not answer', () => {
  expect(trust(live(), 6_500)).toEqual(['lost', 'NATS does not answer query-api']);
});

test('no host is live while the view lags behind its stream', () => {
  const world = live();
  world.view.stateChecked(5, 1_000, 1_000);
  world.beat(4_000, { hv1: { upTo: 3 } });
  expect(trust(world, 4_000)).toEqual(['syncing', 'the view is 3.0 s behind its stream']);
  world.view.stateCaughtUp(5, 4_000);
  expect(trust(world, 4_000)[0]).toBe('live');
});

test('a wanted host that no session has read is never, with the reason when there is one', () => {
  const world = World.ready('hv1', 'hv2');
  world.state(record('hv2', { sync: 'lost', problem: 'connect ENOENT /run/x' }));
  expect(trust(world, 0, 'hv1')[0]).toBe('never');
  expect(trust(world, 0, 'hv2')).toEqual(['never', 'connect ENOENT /run/x']);
  expect(findHost(new Asking(world.view, at(0)), 'hv1')).toMatchObject({ kind: 'found' });
});

test('a host record that cannot be read makes the host a gap until a good one follows', () => {
  const world = live();
  expect(world.raw('virt.v1.state.hv1.host.hv1', '{').outcome).toBe('malformed');
  expect(trust(world, 1_500)[0]).toBe('gap');
  world.state(record('hv1'));
  expect(trust(world, 1_500)[0]).toBe('live');
});
