/** Tells that what a host can run has changed, and in what: as an event of the host's feed. */
import type { KnownAfter, KnownBefore } from '@virtscope/caps';
import {
  capabilitiesChangedKind,
  capabilitiesDiff,
  eventDataSchema,
  eventsStream,
  subjects,
  type Capabilities,
  type Epoch,
  type EventData,
  type HostId,
  type Position,
} from '@virtscope/contracts';
import {
  parseJson,
  readSubjects,
  takeEpoch,
  type EventPublisher,
  type Hands,
  type NatsConnection,
} from '@virtscope/runtime';

/** The bus could not be read or written: tried again after this. */
const retryMs = 1_000;

export type ChangeEventsOptions = Pick<Hands, 'clock' | 'log' | 'metrics' | 'replica'> & {
  host: HostId;
  nc: NatsConnection;
  publisher: EventPublisher;
  signal: AbortSignal;
};

export class ChangeEvents {
  readonly #options: ChangeEventsOptions;
  /** One after the other, so that `prev` is true. */
  #last: Promise<void> = Promise.resolve();
  /** Taken with the first event: most hosts never have one. */
  #session: { epoch: Epoch; seq: number; prev: Position | null } | undefined;

  constructor(options: ChangeEventsOptions) {
    this.#options = options;
  }

  /** @param document what it was before; undefined: nobody has the text any more */
  tell(before: KnownBefore, after: KnownAfter, document: Capabilities | undefined): void {
    const { host, log, signal } = this.#options;
    this.#last = this.#last
      .then(() => this.#tell(before, after, document))
      .catch((error: unknown) => {
        if (!signal.aborted)
          log.error({ host, err: error }, 'a change of capabilities is not told');
      });
  }

  async #tell(
    before: KnownBefore,
    after: KnownAfter,
    document: Capabilities | undefined,
  ): Promise<void> {
    const { host, clock, log, metrics, publisher, signal } = this.#options;
    const session = await this.#open();
    session.seq++;
    const event: EventData = {
      v: 1,
      role: 'caps-cache',
      host,
      epoch: session.epoch,
      seq: session.seq,
      prev: session.prev,
      kind: capabilitiesChangedKind,
      observedAt: new Date(clock.wallMs()).toISOString(),
      payload: {
        before: briefOf(before),
        after: briefOf(after),
        ...(document === undefined
          ? {}
          : { difference: capabilitiesDiff(document, after.document) }),
      },
    };
    session.prev = { epoch: session.epoch, seq: session.seq };
    log.info({ host, ...event.payload }, 'the capabilities changed');
    for (;;) {
      const acked = publisher.publish(event, signal);
      if (acked !== undefined) {
        await acked;
        break;
      }
      await clock.sleep(retryMs, signal);
    }
    metrics
      .counter('events_published_total', 'Events by kind', ['host', 'kind'])
      .inc({ host, kind: event.kind });
  }

  async #open(): Promise<{ epoch: Epoch; seq: number; prev: Position | null }> {
    if (this.#session !== undefined) return this.#session;
    const { host, nc, clock, log, replica, signal } = this.#options;
    for (let tries = 0; ; tries++) {
      try {
        const filter = subjects.eventsWhere({ host, kind: capabilitiesChangedKind });
        const [last] = await readSubjects(nc, { stream: eventsStream.name, filter, signal });
        const event = last && eventDataSchema.safeParse(parseJson(last.data)).data;
        const prev = event === undefined ? null : { epoch: event.epoch, seq: event.seq };
        const floor = prev?.epoch ?? 0;
        const role = 'caps-cache';
        const epoch = await takeEpoch(nc, { role, host, floor, clock, holder: replica });
        return (this.#session = { epoch, seq: 0, prev });
      } catch (error) {
        signal.throwIfAborted();
        if (tries % 60 === 0) log.warn({ host, err: error }, 'a change waits for the bus');
        await clock.sleep(retryMs, signal);
      }
    }
  }
}

function briefOf({ hash, observedAt, fingerprint }: KnownBefore): object {
  const { libvirtVersion, hypervisorVersion } = fingerprint;
  return { hash, observedAt, libvirtVersion, hypervisorVersion };
}
