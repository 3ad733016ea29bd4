export { groupOf, isKnownField, statsMask, type StatsGroup } from './groups.ts';
export { maxPageBytes, paged, type PagedSample, type Sample } from './pages.ts';
export { cellOf, type StatsRecord, type StatsValue } from './record.ts';
export {
  startSampler,
  stepSampler,
  type Incident,
  type SamplerEffect,
  type SamplerInput,
  type SamplerState,
} from './sampler.ts';
export {
  defaultPeriods,
  samplerTiers,
  tierSpecs,
  type SamplerPeriods,
  type SamplerTier,
} from './tier.ts';
