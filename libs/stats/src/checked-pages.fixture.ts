import assert from 'node:assert/strict';
import { statsPageSchema } from '@virtscope/contracts';
import type { SamplerEffect } from './sampler-io.ts';

/** What every published sample keeps, whatever happened before it. */
export function checkPages(
  effects: readonly Extract<SamplerEffect, { type: 'publish' }>[],
  nowMs: number,
): void {
  const seen = new Set<string>();
  const sampleId = effects[0]?.page.sampleId;
  for (const [n, { page, startedMs }] of effects.entries()) {
    assert.equal(page.page, n);
    assert.equal(page.pages, effects.length);
    assert.equal(page.sampleId, sampleId);
    assert.equal(page.ageMs, Math.ceil(nowMs - startedMs));
    for (const id of page.uuids) {
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
