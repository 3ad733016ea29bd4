/** Telling: events and the synthesised net effects of an unwatched time. */
import type { EventData } from '@virtscope/contracts';
import { slotFor, type HostFeed } from './feed-state.ts';
import { told } from './base.ts';
import type { DomainEntry } from './domain-entry.ts';
import type { FeedEffect, Now } from './feed-io.ts';
import { netEffects, type Standing } from './net-effects.ts';

export function publish(
  feed: HostFeed,
  effects: FeedEffect[],
  now: Now,
  data: Omit<EventData, 'v' | 'role' | 'host' | 'epoch' | 'seq' | 'observedAt'>,
): EventData {
  feed.seq++;
  const event: EventData = {
    v: 1,
    role: 'event-bridge',
    host: feed.host,
    epoch: feed.epoch,
    seq: feed.seq,
    observedAt: new Date(now.wallMs).toISOString(),
    ...data,
  };
  feed.verification.unsettleEvent(feed.seq);
  const { uuid, thing } = data;
  const about = uuid === undefined ? thing && { thing } : { uuid };
  if (about !== undefined) {
    const slot = slotFor(feed, about);
    feed.unacked.set(feed.seq, slot.key);
    slot.unacked++;
  }
  effects.push({ type: 'publish', event }); // E1
  return event;
}

/** E7: tells what must have happened to a domain while nobody watched. */
export function synthesise(
  feed: HostFeed,
  effects: FeedEffect[],
  entry: DomainEntry,
  after: Standing | undefined,
  now: Now,
): void {
  let before = entry.told;
  const story = netEffects(before, after);
  for (const [step, { kind, detail }] of story.entries()) {
    const event = publish(feed, effects, now, {
      kind,
      detail,
      uuid: entry.uuid,
      name: after?.name ?? entry.name,
      synthesised: true,
      before: brief(before),
      // Only the last step leads to what is; the ones before it lead to the next.
      ...(step === story.length - 1 ? { after: brief(after) } : {}),
      prev: entry.lastEvent,
    });
    before = told(before, event);
    entry.lastEvent = { epoch: feed.epoch, seq: feed.seq };
  }
  entry.told = after;
  entry.untold = false;
}

function brief(standing: Standing | undefined): { state: string; id: number | null } | null {
  return standing === undefined ? null : { state: standing.state, id: standing.id ?? null };
}
