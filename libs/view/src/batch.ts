/** Many domains by their UUIDs in one answer. */
import type { DomainUuid } from '@virtscope/contracts';
import { hidesUuid, type Answer, type Asking } from './asking.ts';
import { FactsBook } from './facts.ts';
import { ownerOf } from './owner.ts';
import { wholeRow, type Projection } from './projection.ts';

/** How many UUIDs one question may name. */
export const maxBatch = 1_000;

/** The owner of each UUID, in the order asked, and of those without one what is known (T6). */
export function getBatch(
  asking: Asking,
  uuids: readonly DomainUuid[],
  projection: Projection = wholeRow,
): Answer {
  const book = new FactsBook(asking);
  const found: string[] = [];
  const missing: { uuid: DomainUuid; verdict: 'absent' | 'unknown'; detail: string }[] = [];
  for (const uuid of new Set(uuids)) {
    const claims = asking
      .seen(asking.view.table.byUuid.get(uuid))
      .map((row) => ({ row, state: row.state, seq: row.seq, trust: asking.trustOf(row) }));
    const owner = ownerOf(claims);
    if (owner !== undefined) {
      found.push(projection.json(owner.row, book.of(owner.row.host)));
      continue;
    }
    const { kind, detail } = asking.absence(uuid, undefined, hidesUuid(uuid));
    missing.push({ uuid, verdict: kind, detail });
  }
  const unreachable = JSON.stringify(asking.unreachable(asking.allHosts()));
  return {
    kind: 'found',
    json: `{"domains":[${found.join(',')}],"missing":${JSON.stringify(missing)},${asking.revisionField},"unreachable":${unreachable}}`,
  };
}
