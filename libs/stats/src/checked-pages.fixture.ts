import assert from 'node:assert/strict';
import { statsPageSchema, type StatsPage } from '@virtscope/contracts';
import type { SamplerEffect } from './sampler-io.ts';

/** A page of what was asked of domains in jobs, one by one. */
const isProgress = ({ groups, uuids }: StatsPage): boolean =>
  uuids.length > 0 && Object.keys(groups).length === 0;

/** A page of the tier's own answer: what it was asked for. */
export const isFresh = (page: StatsPage): boolean =>
  page.monitor === undefined && page.kept === undefined && !isProgress(page);

/** What every published sample keeps, whatever happened before it. */
export function checkPages(
  effects: readonly Extract<SamplerEffect, { type: 'publish' }>[],
  nowMs: number,
): void {
  // Beside the one place of each domain stand what is kept of its groups, and its job's progress.
  const seen = new Set<string>();
  const sampleId = effects[0]?.page.sampleId;
  for (const [n, { page, startedMs }] of effects.entries()) {
    assert.equal(page.page, n);
    assert.equal(page.pages, effects.length);
    assert.equal(page.sampleId, sampleId);
    assert.equal(page.ageMs, Math.ceil(nowMs - startedMs));
    const apart = page.kept === 'busy' || isProgress(page);
    for (const id of apart ? [] : page.uuids) {
      assert(!seen.has(id), 'a domain twice in one sample');
      seen.add(id);
    }
    for (const column of Object.values(page.rates ?? {})) {
      for (const cell of column) assert(cell === null || cell >= 0, 'a negative rate');
    }
    // One in sixteen: the schema costs more than all the rest.
    if (page.sampleId % 16 === 1) statsPageSchema.parse(page);
  }
}
