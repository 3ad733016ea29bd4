/** The short history of one domain's rates, on the host that answers for it. */
import type { DomainUuid } from '@virtscope/contracts';
import { hidesUuid, type Answer, type Asking } from './asking.ts';
import { historyPoints, historyRates, historyStepMs } from './history.ts';
import { ownerOf } from './owner.ts';

/** Points that nobody measured are null; without any, every one is. */
export function domainHistory(asking: Asking, uuid: DomainUuid): Answer {
  const { view, now } = asking;
  const claims = asking
    .seen(view.table.byUuid.get(uuid))
    .map((row) => ({ row, state: row.state, seq: row.seq, trust: asking.trustOf(row) }));
  const row = ownerOf(claims)?.row;
  if (row === undefined) return asking.absence(uuid, undefined, hidesUuid(uuid));
  const series = view.history.seriesOf(row.host, uuid, now.monotonicMs);
  const nowPoint = Math.floor(now.monotonicMs / historyStepMs);
  const fromMs = series?.fromMs ?? (nowPoint - historyPoints + 1) * historyStepMs;
  const nothing = Array.from({ length: historyPoints }, () => null);
  const rates = series?.rates ?? Object.fromEntries(historyRates.map((name) => [name, nothing]));
  const head = JSON.stringify({ host: row.host, uuid, id: asking.idOf(row) }).slice(0, -1);
  const tail = JSON.stringify({
    from: asking.wallTime(fromMs),
    stepMs: historyStepMs,
    recorded: series !== undefined,
    rates,
  }).slice(1);
  return {
    kind: 'found',
    json: `${head},${asking.trustFields(row)},${asking.revisionField},${tail}`,
  };
}
