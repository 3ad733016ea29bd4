export { type Answer } from './asking.ts';
export { BrokerClock } from './broker-clock.ts';
export { describeMalformed, type Malformed } from './decode.ts';
export { maxFilterValues, readFilter, type DomainFilter } from './filter.ts';
export { findHost, listHosts } from './hosts.ts';
export { defaultPageSize, listDomains, type ListQuery } from './list.ts';
export { findDomain, findOnHost, notReady, type OnHost } from './lookup.ts';
export { reached, type Reached } from './min-revision.ts';
export { ownerOf, type Claim } from './owner.ts';
export { type RoundTrip } from './pulses.ts';
export { ignoredReasons, maxRememberedEnds, type IgnoredReason } from './state-table.ts';
export { domainStats, hostStats } from './stats-answers.ts';
export { maxVerifiedAgeMs, type HostTrust } from './trust.ts';
export {
  View,
  maxLagMs,
  removedHostHorizonMs,
  type Moment,
  type StateOutcome,
  type StreamIdentity,
} from './view.ts';
export { inventoryDigest, type BucketMessage } from './wanted-hosts.ts';
