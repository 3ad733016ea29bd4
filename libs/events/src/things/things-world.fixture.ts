/** The world of a seeded history with networks, pools, node devices and secrets beside domains. */
import type { ThingId } from '@virtscope/contracts';
import type { ObjectEvent } from 'node-libvirt';
import type { FeedEffect, FeedInput } from '../feed-io.ts';
import { uuidOf, World } from '../sim-world.fixture.ts';
import { thingKey } from './entry.ts';
import type { ThingSource } from './state.ts';

export type SimThing = ThingId & {
  name: string;
  active: boolean | null;
  persistent: boolean | null;
};

const [DEFINED, UNDEFINED, STARTED, STOPPED] = [0, 1, 2, 3];
const [CREATED, DELETED] = [0, 1];

export class ThingsWorld extends World {
  /** Of secrets nobody tells: they are listed again and again. */
  override readonly things: readonly ThingSource[] = [
    { type: 'network', hasEvents: true },
    { type: 'pool', hasEvents: true },
    { type: 'nodedev', hasEvents: true },
    { type: 'secret', hasEvents: false },
  ];
  readonly present = new Map<string, SimThing>();
  /** Lists that wait for their slow pace. */
  later: Extract<FeedEffect, { type: 'listThings' }>[] = [];

  override churn(): void {
    if (this.chance(0.3)) super.churn();
    else this.churnThing(this.pick(['network', 'pool', 'nodedev', 'secret'] as const));
  }

  churnThing(type: ThingId['type']): void {
    const n = Math.floor(this.random() * 4);
    const id = type === 'nodedev' ? `pci_${n}` : uuidOf(n);
    const key = thingKey({ type, id });
    const thing = this.present.get(key);
    if (type === 'secret') {
      if (thing === undefined) this.put({ type, id, name: id, active: null, persistent: null });
      else this.present.delete(key);
    } else if (type === 'nodedev') {
      if (thing === undefined) this.put({ type, id, name: id, active: true, persistent: null });
      else this.present.delete(key);
      this.tell({ type, id }, thing === undefined ? CREATED : DELETED);
    } else this.churnDefined({ type, id }, thing);
  }

  churnDefined(about: ThingId, thing: SimThing | undefined): void {
    if (thing === undefined) {
      const isTransient = this.chance(0.3);
      this.put({ ...about, name: about.id, active: isTransient, persistent: !isTransient });
      this.tell(about, isTransient ? STARTED : DEFINED);
    } else if (thing.active !== true) {
      const isEnd = this.chance(0.4);
      if (isEnd) this.present.delete(thingKey(about));
      else thing.active = true;
      this.tell(about, isEnd ? UNDEFINED : STARTED);
    } else if (thing.persistent === true && this.chance(0.3)) {
      thing.persistent = false;
      this.tell(about, UNDEFINED);
    } else {
      thing.active = false;
      if (thing.persistent === false) this.present.delete(thingKey(about));
      this.tell(about, STOPPED);
    }
  }

  put(thing: SimThing): void {
    this.present.set(thingKey(thing), thing);
  }

  tell({ type, id }: ThingId, event: number): void {
    if (this.feed === undefined) return;
    const detail = 0;
    const network = { uuid: id, name: id };
    const told: ObjectEvent =
      type === 'nodedev'
        ? { kind: 'nodedev-lifecycle', device: { name: id }, event, detail }
        : type === 'network'
          ? { kind: 'network-lifecycle', network, event, detail }
          : { kind: 'pool-lifecycle', pool: network, event, detail };
    this.wire.push({ type: 'thingOccurred', event: told });
  }

  override die(): void {
    super.die();
    this.later = [];
  }

  /** The minute is over: what waits for its slow pace is listed. */
  override audit(): void {
    super.audit();
    for (const effect of this.later.splice(0)) this.twice(() => this.thingsListed(effect));
  }

  /** No fault any more, and a last list of what nobody tells of. */
  settle(): void {
    this.chance = (probability) => probability >= 0.5;
    this.audit();
    for (let i = 0; this.advance(); i++) if (i > 50_000) throw new Error('never quiet');
  }

  override performOne(effect: FeedEffect): void {
    if (effect.type === 'listThings') {
      if (effect.reason === 'relist') this.later.push(effect);
      else this.twice(() => this.thingsListed(effect));
    } else if (effect.type === 'readThing') {
      this.twice(() => this.readThingNow(effect));
    } else if (effect.type === 'retryThingLater') {
      this.reply({ type: 'retryThing', thing: effect.thing });
    } else {
      super.performOne(effect);
    }
  }

  thingsListed({ of }: Extract<FeedEffect, { type: 'listThings' }>): FeedInput {
    const things = [...this.present.values()]
      .filter(({ type }) => type === of)
      .map(({ id, name, active, persistent }) => ({
        id,
        name,
        active,
        persistent,
        autostart: null,
      }));
    return {
      type: 'thingsListed',
      of,
      startedMs: this.now.wallMs,
      outcome: this.chance(0.1) ? { failed: 'deadline' } : { things },
    };
  }

  readThingNow({ thing, token }: Extract<FeedEffect, { type: 'readThing' }>): FeedInput {
    const answer = { type: 'thingRead', thing, token, startedMs: this.now.wallMs } as const;
    if (this.chance(0.05)) return { ...answer, outcome: { failed: 'deadline' } };
    const found = this.present.get(thingKey(thing));
    if (found === undefined) return { ...answer, outcome: { found: false } };
    const config = {
      observedAt: new Date(this.now.wallMs).toISOString(),
      xmlHash: hashOf(found),
    };
    return { ...answer, outcome: { found: true, ...found, autostart: null, config } };
  }
}

export function hashOf({ active, persistent }: SimThing): string {
  return `${active}-${persistent}`;
}
