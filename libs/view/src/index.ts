export { Asking, type Answer } from './asking.ts';
export { getBatch, maxBatch } from './batch.ts';
export { BrokerClock } from './broker-clock.ts';
export { describeMalformed, type Malformed } from './decode.ts';
export { fleetMetrics, maxSamples, type MetricsQuery } from './fleet-metrics.ts';
export { freshnessOf, isTagged, type Freshness } from './entity-tag.ts';
export { maxFilterValues, readFilter, type DomainFilter, type FilterQuery } from './filter.ts';
export { domainHistory } from './history-answers.ts';
export { defaultHistoryBudgetMiB, historyBytesPerDomain, type HistoryOptions } from './history.ts';
export { findHost, listHosts } from './hosts.ts';
export {
  defaultPageSize,
  hostsInScope,
  listDomains,
  shownBy,
  streamDomains,
  type ListQuery,
} from './list.ts';
export {
  basisOf,
  findDomain,
  findOnHost,
  notReady,
  ownRow,
  rowOnHost,
  type OnHost,
} from './lookup.ts';
export { listMigrations } from './migrations.ts';
export { reached, type Reached } from './min-revision.ts';
export { readOrder, type Order } from './order.ts';
export { ownerOf, type Claim } from './owner.ts';
export { readFields, wholeRow, type Projection } from './projection.ts';
export type { RoundTrip } from '@virtscope/trust';
export { everything, type Scope } from './scope.ts';
export { runAll, type Sliced } from './sliced.ts';
export { ignoredReasons, maxRememberedEnds, type IgnoredReason } from './state-table.ts';
export { domainStats, hostStats } from './stats-answers.ts';
export { hostsSince, stateAt, type StateAt } from './state-at.ts';
export { readPaths, summarise, type SummaryQuery } from './summary.ts';
export { maxVerifiedAgeMs, type HostTrust } from '@virtscope/trust';
export { findUsage, type Used } from './usage.ts';
export {
  View,
  maxLagMs,
  removedHostHorizonMs,
  type Moment,
  type StateOutcome,
  type StreamIdentity,
} from './view.ts';
export { inventoryDigest, type BucketMessage } from './wanted-hosts.ts';
export { defaultWatchLimits, WatchHub, type WatchLimits } from './watch/hub.ts';
export { mark } from './watch/frame.ts';
export { type WatchQuestion } from './watch/group.ts';
export { type Sink, type Watcher } from './watch/watcher.ts';
export { driftOf } from './placement/drift.ts';
export { versionText, type HostFacts, type Told } from './placement/host-facts.ts';
export { matrixOf } from './placement/matrix.ts';
export { needsOf, questionsOf } from './placement/needs.ts';
export { candidate, candidatesFor, hostsAskedFor } from './placement/placement.ts';
