/** Many domains by their UUIDs in one answer. */
import type { DomainUuid } from '@virtscope/contracts';
import type { Answer, Asking } from './asking.ts';
import { FactsBook } from './facts.ts';
import { wholeRow, type Projection } from './projection.ts';
import { whereabouts } from './whereabouts.ts';

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
    const there = whereabouts(asking, uuid);
    if (there.kind === 'there') {
      found.push(projection.json(there.owner, book.of(there.owner.host)));
      continue;
    }
    const { kind, detail } = there;
    missing.push({ uuid, verdict: kind, detail });
  }
  const unreachable = JSON.stringify(asking.unreachable(asking.allHosts()));
  return {
    kind: 'found',
    json: `{"domains":[${found.join(',')}],"missing":${JSON.stringify(missing)},${asking.revisionField},"unreachable":${unreachable}}`,
  };
}
