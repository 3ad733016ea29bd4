import {
  domainRowSchema,
  eventDataSchema,
  eventsStream,
  hostRecordSchema,
  parseStateSubject,
  stateStream,
  subjects,
  type DomainRow,
  type HostId,
} from '@virtscope/contracts';
import type { BusBase, RowKey, Stored } from '@virtscope/events';
import { parseJson, readSubjects, type NatsConnection } from '@virtscope/runtime';

/**
 * Everything that the bus says of a host: its rows, its record, and its last events. A message
 * that cannot be read counts as absent, and what it stood for is told anew.
 */
export async function readBase(
  nc: NatsConnection,
  host: HostId,
  signal: AbortSignal,
): Promise<BusBase> {
  const [state, events] = await Promise.all([
    readSubjects(nc, { stream: stateStream.name, filter: subjects.stateOfHost(host), signal }),
    readSubjects(nc, { stream: eventsStream.name, filter: subjects.eventsOfHost(host), signal }),
  ]);
  const rows: Stored<DomainRow>[] = [];
  let record: BusBase['record'];
  for (const { subject, seq, data } of state) {
    const key = rowKeyOf(subject);
    if (key === 'record') {
      const body = hostRecordSchema.safeParse(parseJson(data));
      if (body.success) record = { seq, body: body.data };
    } else if (key !== undefined) {
      const body = domainRowSchema.safeParse(parseJson(data));
      if (body.success) rows.push({ seq, body: body.data });
    }
  }
  return {
    rows,
    record,
    events: events.flatMap(({ data }) => {
      const event = eventDataSchema.safeParse(parseJson(data));
      return event.success && event.data.role === 'event-bridge' ? [event.data] : [];
    }),
  };
}

/** The key of a subject of VIRT_STATE; undefined for things that this service does not write. */
export function rowKeyOf(subject: string): RowKey | undefined {
  const thing = parseStateSubject(subject);
  if (thing?.type === 'host') return 'record';
  return thing?.type === 'domain' ? { uuid: thing.id } : undefined;
}
