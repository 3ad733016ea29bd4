/** Migrations under way, with the progress that their sources tell. */
import { isInactive, type HostId, type StatsCell, type StatsPage } from '@virtscope/contracts';
import type { Answer, Asking } from './asking.ts';
import type { Row } from './row.ts';
import { cellsAt } from './stats-table.ts';

/** VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT: of a target libvirt tells no progress. */
const migrationOut = 5;
const jobPrefix = 'job.';

type Migration = {
  uuid: string;
  name: string;
  from: HostId;
  /** Where its process waits to go on; null while that is not known. */
  to: HostId | null;
  /** Of the data that has to be sent; null where libvirt does not tell. */
  percent: number | null;
  /** libvirt's own figures, without the prefix: `time_elapsed` in ms, `data_total` in bytes, … */
  job: Record<string, StatsCell>;
  observedAt: string;
  ageMs: number;
};

export function listMigrations(asking: Asking): Answer {
  const migrations: Migration[] = [];
  const hosts = [...asking.allHosts()].toSorted();
  for (const host of hosts) {
    const { slot } = asking.host(host);
    if (slot === undefined) continue;
    for (const { page, ageMs } of asking.view.stats.pagesOf(host, asking.now.monotonicMs)) {
      for (const [position, operation] of page.columns[`${jobPrefix}operation`]?.entries() ?? []) {
        const row = slot.rows.get(page.uuids[position] ?? '');
        const isOfRun = row !== undefined && row.id === page.ids[position];
        if (operation !== migrationOut || !isOfRun || !asking.sees(row)) continue;
        migrations.push(migrationOf(asking, row, page, position, ageMs));
      }
    }
  }
  const { revision } = asking.view;
  const unreachable = asking.unreachable(hosts);
  return { kind: 'found', json: JSON.stringify({ migrations, revision, unreachable }) };
}

function migrationOf(
  asking: Asking,
  { uuid, name, host }: Row,
  page: StatsPage,
  position: number,
  ageMs: number,
): Migration {
  const job = Object.fromEntries(
    [...cellsAt(page, position)].flatMap(([field, cell]) =>
      field.startsWith(jobPrefix) ? [[field.slice(jobPrefix.length), cell] as const] : [],
    ),
  );
  const { data_total: total, data_processed: done } = job;
  const percent =
    typeof total === 'number' && typeof done === 'number' && total > 0
      ? Math.min(100, (100 * done) / total)
      : null;
  const elsewhere = asking
    .seen(asking.view.table.byUuid.get(uuid))
    .find((row) => row.host !== host && !isInactive(row.state));
  const to = elsewhere?.host ?? null;
  return { uuid, name, from: host, to, percent, job, observedAt: page.startedAt, ageMs };
}
