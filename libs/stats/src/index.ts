export { monitorBudget } from './state.ts';
export { groupOf, isKnownField, statsMask, type StatsGroup } from './groups.ts';
export { type HostFields, type HostGroup, type HostReading } from './host-tier.ts';
export { maxPageBytes, paged, type PagedSample, type Sample } from './pages.ts';
export { ratesOf, type Rates } from './rates.ts';
export {
  cellOf,
  type CallTimes,
  type DomainRef,
  type Held,
  type StatsRecord,
  type StatsValue,
} from './record.ts';
export {
  incidents,
  type ControlAnswer,
  type Incident,
  type JobReading,
  type SampleEffect,
  type SamplerEffect,
  type SamplerInput,
} from './sampler-io.ts';
export { startSampler, stepSampler } from './sampler.ts';
export type { SamplerState } from './state.ts';
export {
  defaultPeriods,
  samplerTiers,
  statsExtras,
  tierSpecs,
  type SamplerPeriods,
  type SamplerTier,
  type StatsExtra,
} from './tier.ts';
