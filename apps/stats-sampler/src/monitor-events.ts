import {
  eventDataSchema,
  eventsStream,
  isBefore,
  subjects,
  type Epoch,
  type EventData,
  type HostId,
  type Position,
} from '@virtscope/contracts';
import { parseJson, readSubjects, type EventPublisher, type Hands } from '@virtscope/runtime';
import type { DomainRef, SamplerEffect } from '@virtscope/stats';
import type { Bus } from './published-epoch.ts';

const kinds = ['monitor-stuck', 'monitor-recovered'] as const;

type Told = Extract<SamplerEffect, { type: 'tell' }>;

/** One host's events of monitors that hang, under the sampler's own role, epoch and seq. */
export class MonitorEvents {
  readonly #host: HostId;
  readonly #hands: Pick<Hands, 'clock' | 'log' | 'metrics'> & { publisher: EventPublisher };
  readonly #last: Map<string, Position>;
  /** Domains that were told stuck, and not recovered since. */
  readonly open: readonly DomainRef[];
  /** The highest epoch that told something. */
  readonly highestEpoch: Epoch;
  #epoch: Epoch = 0;
  #seq = 0;

  private constructor(
    host: HostId,
    events: readonly EventData[],
    hands: Pick<Hands, 'clock' | 'log' | 'metrics'> & { publisher: EventPublisher },
  ) {
    this.#host = host;
    this.#hands = hands;
    this.#last = new Map();
    const open = new Map<string, DomainRef>();
    let highest = 0;
    for (const event of events.toSorted((a, b) => (isBefore(a, b) ? -1 : 1))) {
      const { uuid, kind, name = '', epoch, seq, payload } = event;
      if (uuid === undefined) continue;
      highest = Math.max(highest, epoch);
      this.#last.set(uuid, { epoch, seq });
      const id = Number(payload?.['id'] ?? -1);
      if (kind === 'monitor-stuck') open.set(uuid, { uuid, name, id });
      else open.delete(uuid);
    }
    this.open = [...open.values()];
    this.highestEpoch = highest;
  }

  /**
   * Reads what was told last.
   *
   * @throws when the bus does not answer, and the signal's reason
   */
  static async open(
    nc: Bus,
    host: HostId,
    hands: Pick<Hands, 'clock' | 'log' | 'metrics'> & { publisher: EventPublisher },
    signal: AbortSignal,
  ): Promise<MonitorEvents> {
    const { name: stream } = eventsStream;
    const last = await Promise.all(
      kinds.map((kind) =>
        readSubjects(nc, { stream, filter: subjects.eventsWhere({ host, kind }), signal }),
      ),
    );
    const events = last.flat().flatMap(({ data }): EventData[] => {
      const event = eventDataSchema.safeParse(parseJson(data));
      return event.success && event.data.role === 'stats-sampler' ? [event.data] : [];
    });
    return new MonitorEvents(host, events, hands);
  }

  /** Publishes under the sampler's epoch; what does not reach the bus the next sampler finds again. */
  tell({ kind, domain, because }: Told, epoch: Epoch, signal: AbortSignal): void {
    const { clock, log, metrics, publisher } = this.#hands;
    if (epoch !== this.#epoch) this.#seq = 0;
    this.#epoch = epoch;
    this.#seq++;
    const { uuid, name, id } = domain;
    const event: EventData = {
      v: 1,
      role: 'stats-sampler',
      host: this.#host,
      epoch,
      seq: this.#seq,
      prev: this.#last.get(uuid) ?? null,
      kind,
      observedAt: new Date(clock.wallMs()).toISOString(),
      uuid,
      name,
      payload: { id, ...(because && { because }) },
    };
    this.#last.set(uuid, { epoch, seq: this.#seq });
    const acked = publisher.publish(event, signal);
    if (acked === undefined) {
      log.error(
        { host: this.#host, kind, domain: uuid },
        'too many events wait for the bus: dropped',
      );
    } else {
      metrics
        .counter('events_published_total', 'Events by kind', ['host', 'kind'])
        .inc({ host: this.#host, kind });
      acked.catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error, kind, domain: uuid }, 'an event broke');
      });
    }
  }
}
