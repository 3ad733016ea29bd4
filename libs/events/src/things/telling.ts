/** Telling of things: the raw event, and the synthesised net effects of an unwatched time. */
import type { EventData } from '@virtscope/contracts';
import type { FeedEffect, Now } from '../feed-io.ts';
import type { HostFeed } from '../feed-state.ts';
import { publish } from '../feed-telling.ts';
import { thingBrief } from './base.ts';
import type { ThingEntry } from './entry.ts';
import { thingNetEffects, toldThing, type ThingStanding } from './standing.ts';

/** E1: publishes what was heard, or must have been, as the next of its thing's events. */
export function tellThing(
  feed: HostFeed,
  effects: FeedEffect[],
  entry: ThingEntry,
  now: Now,
  data: Pick<EventData, 'kind' | 'name' | 'payload' | 'synthesised' | 'before' | 'after'>,
): void {
  const { thing } = entry;
  publish(feed, effects, now, { ...data, thing, prev: entry.lastEvent });
  entry.lastEvent = { epoch: feed.epoch, seq: feed.seq };
  const name = data.name ?? entry.name;
  entry.told = toldThing(entry.told, { type: thing.type, kind: data.kind, name });
}

/** E7: tells what must have happened to a thing while nobody watched. */
export function synthesiseThing(
  feed: HostFeed,
  effects: FeedEffect[],
  entry: ThingEntry,
  after: ThingStanding | undefined,
  now: Now,
): void {
  const story = thingNetEffects(entry.thing.type, entry.told, after);
  for (const [step, kind] of story.entries()) {
    tellThing(feed, effects, entry, now, {
      kind,
      name: after?.name ?? entry.name,
      synthesised: true,
      before: thingBrief(entry.told),
      // Only the last step leads to what is; the ones before it lead to the next.
      ...(step === story.length - 1 ? { after: thingBrief(after) } : {}),
    });
  }
  // What libvirt does not say, an event may have said.
  const persistent = after?.persistent ?? entry.told?.persistent ?? null;
  entry.told = after && { name: after.name, active: after.active, persistent };
  entry.untold = false;
}
