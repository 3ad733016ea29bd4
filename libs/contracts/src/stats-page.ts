import { z } from 'zod';
import { epochSchema } from './epoch.ts';
import { hostIdSchema, uuidSchema } from './host-id.ts';
import { statsTiers } from './subjects.ts';

/** Column cells: a counter, a gauge or a text; null is absent, and absent is never zero. */
const cellSchema = z.union([z.number(), z.string(), z.boolean(), z.null()]);
export type StatsCell = z.infer<typeof cellSchema>;

export const groupCompleteness = ['complete', 'partial', 'missing'] as const;

/**
 * Figures derived from two samples of one domain, each in the unit that its name ends with. How
 * each is computed stands in the README of `stats`.
 */
export const rateNames = [
  /** CPU time of the whole QEMU process, in percent of one CPU, and of all vCPUs that it has. */
  'cpuPercent',
  'cpuPercentOfAll',
  /** Sum over vCPUs, in percent of one CPU: wanted to run and did not; waited for I/O. */
  'cpuStealPercent',
  'cpuWaitPercent',
  'vcpus',
  'memoryUsedKiB',
  /** Sums over disks; latencies are means per request of the interval. */
  'diskReadIops',
  'diskWriteIops',
  'diskFlushIops',
  'diskReadBytesPerS',
  'diskWriteBytesPerS',
  'diskReadMs',
  'diskWriteMs',
  'diskFlushMs',
  /** Sums over interfaces, from the guest's point of view. */
  'netRxBytesPerS',
  'netTxBytesPerS',
  'netRxPacketsPerS',
  'netTxPacketsPerS',
  'netErrorsPerS',
  'netDropsPerS',
] as const;
export type RateName = (typeof rateNames)[number];

/**
 * One page of one host's sample of one tier: columnar, so that a field's name is said once.
 * `startedAt` is when the call **began**: a call stuck behind a dead disk answers late with old
 * numbers. A reader's age of it is `ageMs` plus (broker's now − broker's timestamp).
 */
export const statsPageSchema = z.object({
  v: z.literal(1),
  host: hostIdSchema,
  tier: z.enum(statsTiers),
  epoch: epochSchema,
  /** Grows with each sample of (host, tier, epoch). */
  sampleId: z.int().min(1),
  page: z.int().min(0),
  pages: z.int().min(1),
  startedAt: z.iso.datetime(),
  ageMs: z.number().min(0),
  intervalMs: z.number().min(0),
  /** Per stats group asked for, over the domains of the page. */
  groups: z.record(z.string().max(64), z.enum(groupCompleteness)),
  /** Row identities: cells of one index belong together. */
  uuids: z.array(uuidSchema).max(16_384),
  ids: z.array(z.int().nullable()).max(16_384),
  /** libvirt's own field names (`cpu.time`, `block.0.rd.bytes`), each with one cell per row. */
  columns: z.record(z.string().max(256), z.array(cellSchema).max(16_384)),
  /** Derived figures by {@link rateNames}, each with one cell per row. */
  rates: z.record(z.string().max(64), z.array(z.number().min(0).nullable()).max(16_384)).optional(),
  /**
   * Why the rows of this page are older than the tier's interval: `stuck`, their QEMU does not
   * answer its monitor; `paused`, the tier may ask nobody as all its calls hang. `startedAt` and
   * `ageMs` are those of the values. Without rows' values nothing is known yet.
   */
  monitor: z.enum(['stuck', 'paused']).optional(),
  /**
   * Rows of this page are the last good values of what the tier's newest answer lacks, of the
   * domains' present runs. `busy`: only of `groups`, as the monitor was held by another call or job;
   * what was answered stands in another page of the sample. `job`: the domain is in a migration or
   * the like and is asked for that job's progress alone, which stands as `job.*` in another page.
   */
  kept: z.enum(['busy', 'job']).optional(),
  /** Figures of the host itself, in the tier `host`: `cpu.idle`, `memory.free`. */
  hostFields: z.record(z.string().max(256), cellSchema).optional(),
});
export type StatsPage = z.infer<typeof statsPageSchema>;

export type StatsRow = { uuid: string; id: number | null; fields: Record<string, StatsCell> };

/** The rows of a page, holes left out. */
export function* statsRows(page: StatsPage): Generator<StatsRow> {
  const columns = Object.entries(page.columns);
  for (let i = 0; i < page.uuids.length; i++) {
    const fields: Record<string, StatsCell> = {};
    for (const [name, cells] of columns) {
      const cell = cells[i];
      if (cell !== null && cell !== undefined) fields[name] = cell;
    }
    yield { uuid: page.uuids[i] ?? '', id: page.ids[i] ?? null, fields };
  }
}
