import {
  domainRowSchema,
  eventDataSchema,
  hostRecordSchema,
  isTombstone,
  parseStateSubject,
  stateStream,
  subjects,
  type EventData,
  type HostRecord,
  type Presence,
  type Tombstone,
} from '@virtscope/contracts';
import { parseJson, readSubjects, type NatsConnection } from '@virtscope/runtime';

/** What a test sees on the bus: every event live, and the rows as they lie in the stream. */
export class BusObserver {
  readonly events: EventData[] = [];
  readonly #nc: NatsConnection;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
    nc.subscribe(subjects.eventsOfAll, {
      callback: (_error, message) => {
        this.events.push(eventDataSchema.parse(parseJson(message.data)));
      },
    });
  }

  eventsOf(host: string, uuid?: string): EventData[] {
    return this.events.filter((e) => e.host === host && (uuid === undefined || e.uuid === uuid));
  }

  async presences(host: string): Promise<Presence[]> {
    return (await this.rows(host)).filter((row): row is Presence => !isTombstone(row));
  }

  async rows(host: string): Promise<(Presence | Tombstone)[]> {
    return (await this.#read(subjects.domainsOfHost(host))).map(({ data }) =>
      domainRowSchema.parse(parseJson(data)),
    );
  }

  async record(host: string): Promise<HostRecord | undefined> {
    const [last] = await this.#read(subjects.hostRecord(host));
    return last && hostRecordSchema.parse(parseJson(last.data));
  }

  async hosts(): Promise<string[]> {
    return (await this.#read(subjects.recordOfAll)).map(
      ({ subject }) => parseStateSubject(subject)?.host ?? '',
    );
  }

  /** Writes without a fence, as no writer of ours does. @returns the sequence in the stream */
  async plant(subject: string, body: unknown): Promise<number> {
    const ack = await this.#nc.request(subject, JSON.stringify(body), { timeout: 5_000 });
    return (ack.json() as { seq: number }).seq;
  }

  #read(filter: string): ReturnType<typeof readSubjects> {
    const signal = AbortSignal.timeout(10_000);
    return readSubjects(this.#nc, { stream: stateStream.name, filter, signal });
  }
}
