/**
 * Domains in a migration or another long job that wants their monitor. They are out of the rounds,
 * and are asked once a turn for the job's progress: that is their one call. A job is suspected when
 * an event tells of a migration, or when a round passed over a monitor that nothing occupies; what
 * `domainGetJobStats` says decides.
 */
import { callEnded } from './breaker.ts';
import { jobPrefix } from './groups.ts';
import type { CallTimes, DomainRef, StatsRecord } from './record.ts';
import { count, type JobReading, type SamplerEffect } from './sampler-io.ts';
import { monitorBudget, withMonitor, type Job, type SamplerState } from './state.ts';

/**
 * virDomainJobOperation's backup (libvirt-domain.h): it runs for hours beside everything else, and
 * hinders no sample.
 */
const backupOperation = 9;

/** Of a target libvirt tells no progress; this is its virDomainJobOperation. */
const migrationInOperation = 4;

/** Progress is asked one domain at a time, between rounds, and never with the budget's last call. */
const jobBudget = monitorBudget - 1;

/** The domain may be in a job: it is asked, and is out until that is known. */
export function suspectJob(state: SamplerState, domain: DomainRef): SamplerState {
  const { jobs, stuck } = state.monitor;
  if (stuck.has(domain.uuid)) return state;
  const known = jobs.get(domain.uuid);
  const job: Job = { domain, progress: known?.progress, due: true };
  return withMonitor(state, { jobs: new Map(jobs).set(domain.uuid, job) });
}

/** A turn: each is to be asked once more. */
export function jobsDue(state: SamplerState): SamplerState {
  const { jobs } = state.monitor;
  if (jobs.size === 0) return state;
  return withMonitor(state, {
    jobs: new Map([...jobs].map(([uuid, job]) => [uuid, { ...job, due: true }])),
  });
}

/** The next domain whose progress is to be asked, if a call may be made for it. */
export function nextJob(state: SamplerState, used: number): Job | undefined {
  const { calls, jobs, open } = state.monitor;
  if (!open || used >= jobBudget) return undefined;
  if (calls.some(({ kind }) => kind === 'job' || kind === 'round')) return undefined;
  for (const job of jobs.values()) if (job.due) return job;
  return undefined;
}

export function asked(state: SamplerState, job: Job): SamplerState {
  const jobs = new Map(state.monitor.jobs).set(job.domain.uuid, { ...job, due: false });
  return withMonitor(state, { jobs });
}

/** What a domain said of its job; without one it is in the next round again. */
export function jobRead(
  state: SamplerState,
  { callId, times, reading }: { callId: number; times: CallTimes; reading: JobReading },
  effects: SamplerEffect[],
): SamplerState {
  const call = state.monitor.calls.find(({ id }) => id === callId);
  const domain = call?.domains?.[0];
  if (call === undefined || domain === undefined) {
    effects.push(count('monitor', 'unasked'));
    return state;
  }
  const ended = withMonitor(state, {
    calls: state.monitor.calls.filter(({ id }) => id !== callId),
    stuck: callEnded(state.monitor.stuck, callId),
  });
  const job = ended.monitor.jobs.get(domain.uuid);
  if (job === undefined) return ended; // stuck, stopped or started anew meanwhile
  const jobs = new Map(ended.monitor.jobs);
  const record = progressOf(domain, reading);
  if (record === undefined) jobs.delete(domain.uuid);
  else jobs.set(domain.uuid, { ...job, progress: { record, times } });
  return withMonitor(ended, { jobs });
}

/** @returns undefined when there is no job that a round would be in the way of */
function progressOf(domain: DomainRef, reading: JobReading): StatsRecord | undefined {
  if (reading === 'none') return undefined;
  if (reading === 'incoming') return named(domain, [['operation', migrationInOperation]]);
  const operation = reading.find(([name]) => name === 'operation')?.[1];
  return operation === backupOperation ? undefined : named(domain, reading);
}

function named(domain: DomainRef, fields: Exclude<JobReading, string>): StatsRecord {
  return {
    domain,
    params: {
      names: fields.map(([name]) => `${jobPrefix}${name}`),
      valueAt: (index) => fields[index]?.[1],
    },
  };
}
