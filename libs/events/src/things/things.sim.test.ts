/**
 * A seeded history as in `host-feed.sim.test.ts`, with networks, pools, node devices and secrets
 * that come and go beside the domains; secrets without an event, lists and reads that fail. After
 * the last fault the bus must say what libvirt says, and the events must have told the same.
 */
import { isBefore, isThingTombstone } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import type { HostFeed } from '../feed-state.ts';
import { pulse } from '../host-feed.ts';
import { play } from '../sim-world.fixture.ts';
import { thingKey } from './entry.ts';
import { toldThing, type ThingStanding } from './standing.ts';
import { hashOf, ThingsWorld } from './things-world.fixture.ts';

const seeds = Number(process.env['VIRTSCOPE_FULL'] ?? 0) > 0 ? 20_000 : 2_000;

test('after the last fault the bus says of every thing what libvirt says, and so do the events', () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const world = new ThingsWorld(seed);
    play(world, seed);
    world.settle();
    const context = `seed ${seed}`;
    const feed = world.feed as HostFeed;
    expect(world.fenced, context).toBe(false);
    expect(feed.link, context).toBe('synced');
    expect(world.stream.get('record')?.body, context).toMatchObject({ sync: 'synced' });
    expect(world.stream.get('record')?.body, context).not.toHaveProperty('missingKinds');
    expect(pulse(feed, world.now), context).toMatchObject({ seq: feed.seq, upTo: world.streamSeq });
    checkRows(world, context);
    checkSubscriber(world, context);
  }
});

function checkRows(world: ThingsWorld, context: string): void {
  const rows = [...world.stream].flatMap(([key, { body }]) => {
    if (body.type === 'host' || body.type === 'domain' || isThingTombstone(body)) return [];
    const { epoch, active, persistent, stateFrom, config } = body;
    return [[key, { epoch, active, persistent, stateFrom, hash: config?.xmlHash }] as const];
  });
  const wanted = [...world.present].map(([key, thing]) => {
    const { active, persistent } = thing;
    const from = { epoch: world.epoch, stateFrom: 'read' };
    return [key, { ...from, active, persistent, hash: hashOf(thing) }] as const;
  });
  expect(Object.fromEntries(rows), context).toEqual(Object.fromEntries(wanted));
}

/** Whoever reads nothing but the events knows what is active, and which secrets there are. */
function checkSubscriber(world: ThingsWorld, context: string): void {
  const believed = new Map<string, ThingStanding | undefined>();
  const events = [...world.published.values()].toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
  for (const { thing, kind, name = '' } of events) {
    if (thing === undefined) continue;
    const key = thingKey(thing);
    believed.set(key, toldThing(believed.get(key), { type: thing.type, kind, name }));
  }
  const standing = [...believed].filter(
    ([key, each]) => each !== undefined && (each.active === true || key.startsWith('secret/')),
  );
  const present = [...world.present].filter(([, { active }]) => active !== false);
  expect(standing.map(([key]) => key).toSorted(), context).toEqual(
    present.map(([key]) => key).toSorted(),
  );
}

test('each event of a thing names the one before it in its session', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const world = new ThingsWorld(seed);
    play(world, seed);
    const prevs: unknown[] = [];
    const last = new Map<string, unknown>();
    const before: unknown[] = [];
    const events = [...world.published.values()].toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
    for (const { thing, epoch, seq, prev } of events) {
      if (thing === undefined || epoch !== world.epoch) continue;
      const key = thingKey(thing);
      prevs.push(prev);
      // Of the first one it is an earlier session's, and that one's fate is told elsewhere.
      before.push(last.has(key) ? last.get(key) : prev);
      last.set(key, { epoch, seq });
    }
    expect(prevs, `seed ${seed}`).toEqual(before);
  }
});
