/**
 * A seeded history: one daemon that churns, one bus that acks late and in any order, a bridge that
 * loses its session or dies at any step. After the last fault the bus must say what libvirt says,
 * and whoever only read the events must have been told the same.
 */
import { isBefore, isTombstone, type EventData } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { told } from './base.ts';
import type { HostFeed } from './feed-state.ts';
import { pulse } from './host-feed.ts';
import { isActive, type Standing } from './net-effects.ts';
import { play, SHUTOFF, stateNames, uuidOf, World } from './sim-world.fixture.ts';

const seeds = Number(process.env['VIRTSCOPE_FULL'] ?? 0) > 0 ? 20_000 : 2_000;

test('after the last fault the bus says what libvirt says, and so do the events', () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const world = new World(seed);
    play(world, seed);
    const context = `seed ${seed}`;
    const feed = world.feed as HostFeed;
    expect(world.fenced, context).toBe(false);
    expect(feed.link, context).toBe('synced');
    const present = new Map<string, unknown>();
    for (const [key, { body }] of world.stream) {
      if (body.type !== 'domain' || isTombstone(body)) continue;
      expect(body.epoch, `${context} ${key}`).toBe(world.epoch);
      present.set(key, [
        body.id,
        body.state,
        body.stateFrom,
        body.persistent,
        body.config?.xmlHash,
      ]);
    }
    const wanted = new Map<string, unknown>(
      [...world.domains].map(([uuid, { id, state, persistent }]) => [
        uuid,
        [id < 0 ? null : id, stateNames.get(state), 'read', persistent, `${id}`],
      ]),
    );
    expect(sorted(present), context).toEqual(sorted(wanted));
    expect(world.stream.get('record')?.body, context).toMatchObject({ sync: 'synced' });
    // All ends have come of age by now, and their messages are gone.
    expect([...world.stream.values()].filter(({ body }) => 'tombstone' in body)).toEqual([]);
    expect(pulse(feed, world.now), context).toMatchObject({ seq: feed.seq, upTo: world.streamSeq });
    checkSubscriber(world, context);
    checkSettled(world, context);
  }
});

/** Whoever reads nothing but the events ends with the same picture, whatever the retries did. */
function checkSubscriber(world: World, context: string): void {
  const standings = new Map<string, Standing | undefined>();
  const events = [...world.published.values()].toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
  for (const event of events) {
    if (event.uuid === undefined) continue;
    standings.set(event.uuid, told(standings.get(event.uuid), event));
  }
  for (let n = 0; n < 8; n++) {
    const uuid = uuidOf(n);
    const domain = world.domains.get(uuid);
    const standing = standings.get(uuid);
    const activeState = standing && isActive(standing) ? standing.state : 'inactive';
    expect(activeState, `${context} ${uuid}`).toBe(
      domain === undefined || domain.state === SHUTOFF ? 'inactive' : stateNames.get(domain.state),
    );
  }
}

/** Each burst that was heard ends in one settled event, whichever session tells it (E10). */
function checkSettled(world: World, context: string): void {
  // `told`: a net effect said what came of it, and a settled event may say so again.
  const stories = new Map<
    string,
    { is: 'open' | 'closed' | 'told'; last: EventData | undefined }
  >();
  const doubled: EventData[] = [];
  for (const event of [...world.published.values()].toSorted((a, b) => (isBefore(a, b) ? -1 : 1))) {
    if (event.uuid === undefined) continue;
    const story = stories.get(event.uuid) ?? { is: 'closed' as const, last: undefined };
    stories.set(event.uuid, story);
    if (event.kind === 'settled') {
      if (story.is === 'closed') doubled.push(event);
      story.is = 'closed';
      story.last = event;
    } else if (event.synthesised === true) {
      story.is = 'told';
      story.last = undefined;
    } else {
      story.is = 'open';
    }
  }
  expect(doubled, `${context}: stories without events`).toEqual([]);
  for (const [uuid, { is, last }] of stories) {
    expect(is, `${context} ${uuid}: an untold story`).not.toBe('open');
    if (last === undefined) continue;
    const domain = world.domains.get(uuid);
    const after = domain && {
      state: stateNames.get(domain.state),
      id: domain.id < 0 ? null : domain.id,
    };
    expect(last.after, `${context} ${uuid}`).toEqual(after ?? null);
  }
}

function sorted(map: Map<string, unknown>): [string, unknown][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
