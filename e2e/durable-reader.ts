/** A subscriber that dedupes: all it knows of the domains is what the events told it. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  eventDataSchema,
  eventId,
  eventsStream,
  fleetHost,
  isBefore,
  type EventData,
} from '@virtscope/contracts';

/** What a domain is believed to be doing; absent for one that does not run. */
export type Believed = 'running' | 'paused' | 'pmsuspended' | 'crashed';

export class DurableReader {
  /** By id: the same event twice is once. */
  readonly #events = new Map<string, EventData>();

  /** Takes everything that the stream holds behind what it had. */
  async catchUp(nc: NatsConnection): Promise<void> {
    const jsm = await jetstreamManager(nc);
    const { name: stream } = eventsStream;
    const durable = 'churn';
    await jsm.consumers.add(stream, { durable_name: durable, ack_policy: 'explicit' });
    const consumer = await jetstream(nc).consumers.get(stream, durable);
    for (;;) {
      const { num_pending } = await consumer.info();
      if (num_pending === 0) return;
      const messages = await consumer.fetch({ max_messages: num_pending, expires: 5_000 });
      for await (const message of messages) {
        const event = eventDataSchema.parse(message.json());
        if (event.role === 'event-bridge') this.#events.set(eventId(event), event);
        message.ack();
      }
    }
  }

  /** By host and uuid, in the order of epochs and seqs, whatever the retries did. */
  get stories(): Map<string, EventData[]> {
    const stories = new Map<string, EventData[]>();
    for (const event of [...this.#events.values()].toSorted((a, b) => (isBefore(a, b) ? -1 : 1))) {
      if (event.uuid === undefined || event.host === fleetHost) continue;
      const key = `${event.host}/${event.uuid}`;
      const story = stories.get(key);
      if (story === undefined) stories.set(key, [event]);
      else story.push(event);
    }
    return stories;
  }

  /** What runs where, by the events alone. */
  get believed(): Map<string, Believed> {
    const believed = new Map<string, Believed>();
    for (const [key, story] of this.stories) {
      const last = story.reduce<Believed | undefined>(after, undefined);
      if (last !== undefined) believed.set(key, last);
    }
    return believed;
  }

  /**
   * Events that do not name the one before them as their `prev`, and that no later session covers: a
   * bridge that dies may leave an event on the bus without the one before it, which shows here, and
   * the next session tells the net effect.
   */
  get holes(): string[] {
    const last = new Map<string, number>();
    for (const { host, epoch } of this.#events.values()) {
      last.set(host, Math.max(last.get(host) ?? 0, epoch));
    }
    return [...this.stories.values()].flatMap((story) =>
      story.flatMap((event, i) => {
        const before = story[i - 1];
        const { epoch, seq } = event.prev ?? {};
        const follows = epoch === before?.epoch && seq === before?.seq;
        if (follows || event.epoch < (last.get(event.host) ?? 0)) return [];
        return [`${eventId(event)} follows ${epoch}:${seq}, not ${before?.epoch}:${before?.seq}`];
      }),
    );
  }
}

function after(before: Believed | undefined, { kind }: EventData): Believed | undefined {
  switch (kind) {
    case 'started':
    case 'resumed':
      return 'running';
    case 'suspended':
      return 'paused';
    case 'pmsuspended':
    case 'crashed':
      return kind;
    case 'stopped':
      return undefined;
    default:
      return before;
  }
}
