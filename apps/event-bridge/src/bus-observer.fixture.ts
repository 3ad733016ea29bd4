import {
  domainRowSchema,
  eventDataSchema,
  hostRecordSchema,
  isTombstone,
  parseStateSubject,
  stateStream,
  subjects,
  thingRowSchema,
  type EventData,
  type HostRecord,
  type Presence,
  type ThingRow,
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

  /** Of the host itself and its domains. */
  eventsOf(host: string, uuid?: string): EventData[] {
    return this.events.filter(
      (e) => e.host === host && e.thing === undefined && (uuid === undefined || e.uuid === uuid),
    );
  }

  eventsOfThing(host: string, id: string): EventData[] {
    return this.events.filter((e) => e.host === host && e.thing?.id === id);
  }

  /** The rows of networks, pools, node devices and secrets, the ended ones too. */
  async things(host: string): Promise<ThingRow[]> {
    const rows = await this.#read(subjects.stateOfHost(host));
    return rows.flatMap(({ subject, data }) => {
      const type = parseStateSubject(subject)?.type;
      if (type === 'host' || type === 'domain') return [];
      return [thingRowSchema.parse(parseJson(data))];
    });
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
