/** What comes into the mind of one host's sampling, and what it wishes. */
import type { DomainUuid, Epoch, StatsPage, StatsTier } from '@virtscope/contracts';
import type { HostReading } from './host-tier.ts';
import type { DomainRef, StatsRecord, StatsValue } from './record.ts';
import type { SamplerTier } from './tier.ts';

/** What `domainGetControlInfo` said of one domain. */
export type ControlAnswer =
  /** The state is `VIR_DOMAIN_CONTROL_*`. */
  | { uuid: string; state: number; stateTimeMs: number }
  /** libvirt does not know the domain, or it does not run. */
  | { uuid: string; gone: true };

/**
 * What `domainGetJobStats` said of one domain: its parameters in order, `none` when no job is under
 * way or none that libvirt tells of, `incoming` of the target of a migration, whose progress only
 * the source knows.
 */
export type JobReading =
  | readonly (readonly [name: string, value: StatsValue])[]
  | 'none'
  | 'incoming';

/** All `nowMs` and `startedMs` are readings of one monotonic clock. */
export type SamplerInput =
  /** A session of this tier is open. Its epoch is now the host's, for both tiers. */
  | { type: 'opened'; tier: SamplerTier; epoch: Epoch; nowMs: number }
  /** The tier's session ended: what it was asked will not be answered. */
  | { type: 'lost'; tier: SamplerTier }
  | { type: 'woke'; nowMs: number }
  | {
      type: 'sampled';
      tier: SamplerTier;
      callId: number;
      /** Read before the call was sent. */
      startedMs: number;
      /** The same moment by the wall's clock, for people. */
      startedWallMs: number;
      nowMs: number;
      records: readonly StatsRecord[];
    }
  /** libvirtd refused the call, or it could not be sent. */
  | { type: 'failed'; tier: SamplerTier; callId: number; nowMs: number }
  /** What the host said of itself; empty when it could not be asked. */
  | {
      type: 'hostRead';
      callId: number;
      startedMs: number;
      startedWallMs: number;
      nowMs: number;
      reading: HostReading;
    }
  /** An event tells that a job of the domain is under way, or ended. */
  | { type: 'jobHeard'; uuid: DomainUuid; nowMs: number }
  | {
      type: 'jobRead';
      callId: number;
      startedMs: number;
      startedWallMs: number;
      nowMs: number;
      reading: JobReading;
    }
  /** The end of a diagnosis, with as many answers as there were. */
  | { type: 'diagnosed'; diagnosisId: number; nowMs: number; answers: readonly ControlAnswer[] };

/** What happened besides samples; each is counted by host and tier. */
export const incidents = [
  /** A turn without a call, as the call before still hangs and nobody is to blame yet. */
  'skipped',
  /** A call missed its deadline. */
  'deadline',
  /** An answer came after its deadline; it counts with its true age. */
  'late',
  /** An answer that was not asked for under this session, or was answered before. */
  'unasked',
  /** An answer whose call began before that of what was published. */
  'stale',
  'failed',
  'groups-dropped',
  'groups-restored',
  /** A field whose name we do not know: kept. */
  'unknown-field',
  /** A field that no page can hold: left out. */
  'unfit-field',
  /** A domain was taken out of the monitor tier. */
  'stuck',
  /** A domain came back to it. */
  'unstuck',
  /** A call that hangs was given up, and the other domains were asked again by name. */
  're-asked',
  /** A turn without a call, as all calls that the tier may have hang. */
  'paused',
  /** The tier's interval was doubled, as the daemon is slow. */
  'slowed',
] as const;
export type Incident = (typeof incidents)[number];

export type SampleEffect = {
  type: 'sample';
  tier: SamplerTier;
  callId: number;
  /** Only these; undefined asks for all that pass the flags. Never empty. */
  domains: readonly DomainRef[] | undefined;
  stats: number;
  flags: number;
};

export type SamplerEffect =
  /** Call libvirt, and answer with `sampled` or `failed` once, however late. */
  | SampleEffect
  /** Read the host's own figures, one call at a time, and answer with `hostRead` once. */
  | { type: 'readHost'; callId: number }
  /** Ask a domain for its job's progress on the monitor tier's connection; answer with `jobRead` once. */
  | { type: 'readJob'; callId: number; domain: DomainRef }
  /** Ask for the control info of each, one at a time, on the fast tier's connection. */
  | { type: 'diagnose'; diagnosisId: number; domains: readonly DomainRef[] }
  | { type: 'publish'; subject: string; page: StatsPage; startedMs: number }
  /** Its process is another one, under the same id: whoever tells of domains should know. */
  | { type: 'hint'; domain: DomainRef }
  /** To be told as an event. `because`: its monitor answered, or its process ended. */
  | {
      type: 'tell';
      kind: 'monitor-stuck' | 'monitor-recovered';
      domain: DomainRef;
      because?: 'answered' | 'ended';
    }
  /** `domain` is the one that it is about, if there is one. */
  | { type: 'count'; tier: StatsTier; incident: Incident; by: number; domain?: string }
  /** Give `woke` at that time; replaces the wish before. */
  | { type: 'wakeAt'; atMs: number };

export function count(tier: StatsTier, incident: Incident, by = 1, domain?: string): SamplerEffect {
  return { type: 'count', tier, incident, by, ...(domain === undefined ? {} : { domain }) };
}
