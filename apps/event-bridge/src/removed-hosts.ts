import {
  domainRowSchema,
  parseStateSubject,
  stateStream,
  subjects,
  thingRowSchema,
  type DomainRow,
  type HostId,
  type ThingRow,
} from '@virtscope/contracts';
import { thingTombstoneRow, tombstoneRow, type Speaker } from '@virtscope/events';
import {
  StateWriter,
  parseJson,
  readSubjects,
  takeEpoch,
  type Hands,
  type NatsConnection,
} from '@virtscope/runtime';

/**
 * Ends the rows of hosts that the inventory no longer wants, as `host-removed`: what they stand for is
 * not gone, we only stopped looking. Under an epoch of its own, which fences whoever still wrote.
 */
export async function endRemovedHosts(
  nc: NatsConnection,
  wanted: ReadonlySet<HostId>,
  hands: Hands,
): Promise<void> {
  const { clock, log, signal } = hands;
  const stream = stateStream.name;
  const records = await readSubjects(nc, { stream, filter: subjects.recordOfAll, signal });
  for (const { subject } of records) {
    const host = parseStateSubject(subject)?.host;
    if (host === undefined || wanted.has(host)) continue;
    const rows = await readSubjects(nc, { stream, filter: subjects.stateOfHost(host), signal });
    const standing = rows.flatMap(({ subject: at, seq, data }) => {
      const row = rowOf(at, data);
      return row === undefined || 'tombstone' in row ? [] : [{ at, seq, row }];
    });
    if (standing.length === 0) continue;
    const floor = Math.max(...standing.map(({ row }) => row.epoch));
    const epoch = await takeEpoch(nc, {
      role: 'event-bridge',
      host,
      floor,
      clock,
      holder: hands.replica,
    });
    const writer = new StateWriter(nc, hands);
    for (const [n, { at, seq, row }] of standing.entries()) {
      const by = { host, epoch, seq: row.seq, lastEvent: row.lastEvent ?? null };
      const tombstone = removed(row, by, clock.wallMs());
      await writer.write(
        {
          subject: at,
          body: JSON.stringify(tombstone),
          expected: seq,
          writeId: `event-bridge:${host}:${epoch}:w${n + 1}`,
        },
        signal,
      );
    }
    log.info({ host, epoch, rows: standing.length }, 'the host left the inventory: its rows ended');
  }
}

/** @returns undefined for the host's own record, and for what cannot be read */
function rowOf(subject: string, data: Uint8Array): DomainRow | ThingRow | undefined {
  const type = parseStateSubject(subject)?.type;
  if (type === undefined || type === 'host') return undefined;
  const schema = type === 'domain' ? domainRowSchema : thingRowSchema;
  return schema.safeParse(parseJson(data)).data;
}

function removed(row: DomainRow | ThingRow, by: Speaker, atMs: number): DomainRow | ThingRow {
  return row.type === 'domain'
    ? tombstoneRow(row.uuid, row.name, by, { reason: 'host-removed' }, atMs)
    : thingTombstoneRow({ type: row.type, id: row.id }, row.name, by, 'host-removed', atMs);
}
