import {
  domainRowSchema,
  isTombstone,
  parseStateSubject,
  stateStream,
  subjects,
  type HostId,
} from '@virtscope/contracts';
import { tombstoneRow } from '@virtscope/events';
import {
  StateWriter,
  parseJson,
  readSubjects,
  takeEpoch,
  type Hands,
  type NatsConnection,
} from '@virtscope/runtime';

/**
 * Ends the rows of hosts that the inventory no longer wants, as `host-removed`: their domains are
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
    const rows = await readSubjects(nc, { stream, filter: subjects.domainsOfHost(host), signal });
    const standing = rows.flatMap(({ subject: at, seq, data }) => {
      const row = domainRowSchema.safeParse(parseJson(data));
      return row.success && !isTombstone(row.data) ? [{ at, seq, row: row.data }] : [];
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
      const tombstone = tombstoneRow(row.uuid, row.name, by, 'host-removed', clock.wallMs());
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
