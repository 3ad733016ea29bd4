import {
  domainRowSchema,
  eventDataSchema,
  eventsStream,
  hostRecordSchema,
  parseStateSubject,
  stateStream,
  subjects,
  thingRowSchema,
  type DomainRow,
  type HostId,
  type ThingRow,
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
  const things: Stored<ThingRow>[] = [];
  let record: BusBase['record'];
  for (const { subject, seq, data } of state) {
    const key = rowKeyOf(subject);
    if (key === undefined) continue;
    if (key === 'record') {
      const body = hostRecordSchema.safeParse(parseJson(data));
      if (body.success) record = { seq, body: body.data };
    } else if ('uuid' in key) {
      const body = domainRowSchema.safeParse(parseJson(data));
      if (body.success) rows.push({ seq, body: body.data });
    } else {
      const body = thingRowSchema.safeParse(parseJson(data));
      if (body.success) things.push({ seq, body: body.data });
    }
  }
  return {
    rows,
    things,
    record,
    events: events.flatMap(({ data }) => {
      const event = eventDataSchema.safeParse(parseJson(data));
      return event.success && event.data.role === 'event-bridge' ? [event.data] : [];
    }),
  };
}

/** The key of a subject of VIRT_STATE; undefined for one that is none of ours. */
export function rowKeyOf(subject: string): RowKey | undefined {
  const about = parseStateSubject(subject);
  if (about === undefined) return undefined;
  const { type, id } = about;
  if (type === 'host') return 'record';
  return type === 'domain' ? { uuid: id } : { thing: { type, id } };
}
