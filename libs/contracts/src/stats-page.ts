import { z } from 'zod';
import { epochSchema } from './epoch.ts';
import { hostIdSchema, uuidSchema } from './host-id.ts';
import { statsTiers } from './subjects.ts';

/** Column cells: a counter, a gauge or a text; null is absent, and absent is never zero. */
const cellSchema = z.union([z.number(), z.string(), z.boolean(), z.null()]);
export type StatsCell = z.infer<typeof cellSchema>;

export const groupCompleteness = ['complete', 'partial', 'missing'] as const;

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
