/**
 * One host: two sessions, a timer, and the mind that says what to do. This does as it is told and
 * gives back what came of it.
 */
import type { DomainUuid, Epoch, RestartHint } from '@virtscope/contracts';
import { hostSessions, type WantedHost } from '@virtscope/fleet';
import type { Clock, Logger } from '@virtscope/runtime';
import {
  monitorBudget,
  samplerTiers,
  startSampler,
  stepSampler,
  type ControlAnswer,
  type HostReading,
  type Incident,
  type JobReading,
  type SamplerEffect,
  type SamplerInput,
  type SamplerPeriods,
  type SamplerState,
  type SamplerTier,
  type StatsExtra,
} from '@virtscope/stats';
import { ConnectionLostError, LibvirtError, type Session } from 'node-libvirt';
import { VIR_ERR_NO_DOMAIN, VIR_ERR_OPERATION_INVALID } from 'node-libvirt/constants';
import type { MonitorEvents } from './monitor-events.ts';
import { readHost } from './host-reading.ts';
import { readJob } from './job-reading.ts';
import type { PagePublisher } from './page-publisher.ts';
import type { SamplerMetrics } from './sampler-metrics.ts';

export type HostSamplingOptions = {
  host: WantedHost;
  periods: SamplerPeriods;
  extras: readonly StatsExtra[];
  publisher: PagePublisher;
  events: MonitorEvents;
  /** Hears of domains' jobs until it is disposed of. */
  listenToJobs: (onJob: (uuid: DomainUuid) => void) => Disposable;
  /** Says on the bus that a domain's process must be another one; a hint that is lost is no loss. */
  hint: (hint: RestartHint) => void;
  metrics: SamplerMetrics;
  clock: Clock;
  log: Logger;
  /** Takes the host's next epoch, above `floor`; waits for the bus as long as it takes. */
  takeEpoch: (floor: Epoch, signal: AbortSignal) => Promise<Epoch>;
  /** Ends the sampling, and its sessions. */
  signal: AbortSignal;
};

/** Low-priority calls that each tier's connection lets libvirtd have, abandoned ones included (L6). */
const lowPriorityCalls: Record<SamplerTier, number> = {
  // A second one beside a call that hangs in `interface`: the mind then keeps the other tier lower.
  fast: 2,
  monitor: monitorBudget,
};

/**
 * The mind judges deadlines and counts a late answer when it comes, so the session waits for it
 * about as long as a frozen QEMU may stay frozen.
 */
const answerTimeoutMs = 24 * 3_600_000;

/** Samples one host until the signal aborts. */
export async function sampleHost(options: HostSamplingOptions): Promise<void> {
  // One tier's end by a fault of ours ends the other: both start again together.
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const sampling = new HostSampling({ ...options, signal });
  using _jobs = options.listenToJobs((uuid) => sampling.hearJob(uuid));
  const tiers = samplerTiers.map(async (tier) => {
    try {
      await sampling.serve(tier);
    } finally {
      stop.abort();
    }
  });
  try {
    await Promise.all(tiers);
  } finally {
    await Promise.allSettled(tiers);
    sampling.stop();
  }
}

class HostSampling {
  readonly #options: HostSamplingOptions;
  readonly #sessions = new Map<SamplerTier, Session>();
  /** Tiers whose last call was refused: told once, not at every turn. */
  readonly #refused = new Set<SamplerTier>();
  #paused = false;
  #state: SamplerState;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HostSamplingOptions) {
    this.#options = options;
    const { host, periods, extras, events } = options;
    const before = { epoch: events.highestEpoch, stuck: events.open };
    this.#state = startSampler(host.id, periods, extras, before);
  }

  /** Keeps one session for the tier, until the signal aborts. */
  async serve(tier: SamplerTier): Promise<void> {
    const { host, clock, log, metrics, signal } = this.#options;
    const sessions = hostSessions({
      uri: host.uri,
      connect: {
        maxLowPriorityInFlight: lowPriorityCalls[tier],
        onCall: (bill) => metrics.bill(host.id, tier, bill),
      },
      clock,
      random: Math.random,
      signal,
      onFailure: (error, retryInMs) => {
        log.warn({ host: host.id, tier, err: error, retryInMs }, 'no session; trying again');
      },
    });
    for await (const session of sessions) {
      // Each session has an epoch of its own, also one of the same daemon: what an earlier
      // session or process of ours may still publish is then old for every reader (rule 3).
      const epoch = await this.#options.takeEpoch(this.#state.epoch, signal);
      if (!session.isOpen) continue;
      this.#sessions.set(tier, session);
      this.#refused.delete(tier);
      log.info({ host: host.id, tier, epoch, address: session.address }, 'sampling');
      this.#give({ type: 'opened', tier, epoch, nowMs: clock.monotonicMs() });
      await session.closed;
      this.#sessions.delete(tier);
      this.#give({ type: 'lost', tier });
    }
  }

  hearJob(uuid: DomainUuid): void {
    this.#give({ type: 'jobHeard', uuid, nowMs: this.#options.clock.monotonicMs() });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #give(input: SamplerInput): void {
    if (this.#options.signal.aborted) return;
    const [state, effects] = stepSampler(this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: SamplerEffect): void {
    const { host, clock, metrics, publisher } = this.#options;
    switch (effect.type) {
      case 'sample':
        if (effect.tier === 'monitor') this.#paused = false;
        void this.#sample(effect);
        break;
      case 'readHost':
        void this.#readHost(effect);
        break;
      case 'readJob':
        void this.#readJob(effect);
        break;
      case 'diagnose':
        void this.#diagnose(effect);
        break;
      case 'publish':
        publisher.publish(effect.subject, effect.page);
        metrics.lag(effect.page.tier, clock.monotonicMs() - effect.startedMs);
        break;
      case 'count':
        metrics.incident(host.id, effect.tier, effect.incident, effect.by);
        this.#tell(effect);
        break;
      case 'hint':
        this.#options.hint({ v: 1, host: host.id, uuid: effect.domain.uuid, id: effect.domain.id });
        break;
      case 'tell':
        this.#options.events.tell(effect, this.#state.epoch, this.#options.signal);
        break;
      case 'wakeAt':
        clearTimeout(this.#timer);
        this.#timer = setTimeout(
          () => {
            this.#give({ type: 'woke', nowMs: clock.monotonicMs() });
          },
          Math.max(0, effect.atMs - clock.monotonicMs()),
        );
    }
  }

  /** Never rejects: what comes of the call goes to the mind. */
  async #sample(effect: Extract<SamplerEffect, { type: 'sample' }>): Promise<void> {
    const { host, clock, log } = this.#options;
    const { tier, callId, domains, stats, flags } = effect;
    // Both clocks are read before the call: one stuck behind a dead disk answers late, with old
    // numbers, and only its start shows it.
    const startedMs = clock.monotonicMs();
    const startedWallMs = clock.wallMs();
    let input: SamplerInput;
    try {
      const session = this.#sessions.get(tier);
      if (session === undefined) throw new Error(`the ${tier} tier has no session`);
      const records = await session.connectGetAllDomainStats(
        { stats, flags, ...(domains === undefined ? {} : { domains }) },
        { reason: 'sample', timeoutMs: answerTimeoutMs },
      );
      const nowMs = clock.monotonicMs();
      input = { type: 'sampled', tier, callId, startedMs, startedWallMs, nowMs, records };
      if (this.#refused.delete(tier)) log.info({ host: host.id, tier }, 'stats come again');
    } catch (error) {
      // The session's end is told once, by itself.
      if (error instanceof ConnectionLostError) return;
      input = { type: 'failed', tier, callId, nowMs: clock.monotonicMs() };
      if (!this.#refused.has(tier)) {
        this.#refused.add(tier);
        log.warn({ host: host.id, tier, err: error }, 'no stats of this turn');
      }
    }
    this.#give(input);
  }

  /**
   * One priority call at a time, each until libvirtd answers: it never waits for a monitor, and one
   * that is given up would count as well. Never rejects.
   */
  async #diagnose(effect: Extract<SamplerEffect, { type: 'diagnose' }>): Promise<void> {
    const { clock, log, host } = this.#options;
    const session = this.#sessions.get('fast');
    const answers: ControlAnswer[] = [];
    for (const domain of session === undefined ? [] : effect.domains) {
      try {
        const { state, stateTimeMs } = await (session as Session).domainGetControlInfo(domain, {
          reason: 'diagnose',
          timeoutMs: answerTimeoutMs,
        });
        answers.push({ uuid: domain.uuid, state, stateTimeMs: Number(stateTimeMs) });
      } catch (error) {
        if (!(error instanceof LibvirtError)) break; // the session's end is told by itself
        if (goneCodes.has(error.code)) answers.push({ uuid: domain.uuid, gone: true });
        else log.warn({ host: host.id, domain: domain.uuid, err: error }, 'no control info');
      }
    }
    const { diagnosisId } = effect;
    this.#give({ type: 'diagnosed', diagnosisId, nowMs: clock.monotonicMs(), answers });
  }

  /** Never rejects. It may hang as long as a QEMU does; the mind counts it. */
  async #readJob({ callId, domain }: Extract<SamplerEffect, { type: 'readJob' }>): Promise<void> {
    const { clock, host, log } = this.#options;
    const session = this.#sessions.get('monitor');
    const startedMs = clock.monotonicMs();
    const startedWallMs = clock.wallMs();
    let reading: JobReading = 'none';
    try {
      const options = { reason: 'job', timeoutMs: answerTimeoutMs };
      if (session !== undefined) reading = await readJob(session, domain, options);
    } catch (error) {
      if (!(error instanceof LibvirtError)) return; // the session's end is told by itself
      log.debug({ host: host.id, domain: domain.uuid, err: error }, 'no word of a job');
    }
    const nowMs = clock.monotonicMs();
    this.#give({ type: 'jobRead', callId, startedMs, startedWallMs, nowMs, reading });
  }

  /** Never rejects. */
  async #readHost({ callId }: Extract<SamplerEffect, { type: 'readHost' }>): Promise<void> {
    const { clock } = this.#options;
    const session = this.#sessions.get('fast');
    const startedMs = clock.monotonicMs();
    const startedWallMs = clock.wallMs();
    let reading: HostReading = {};
    try {
      const options = { reason: 'host', timeoutMs: answerTimeoutMs };
      if (session !== undefined) reading = await readHost(session, options);
    } catch {
      return; // the session's end is told by itself
    }
    const nowMs = clock.monotonicMs();
    this.#give({ type: 'hostRead', callId, startedMs, startedWallMs, nowMs, reading });
  }

  #tell({ tier, incident, domain }: Extract<SamplerEffect, { type: 'count' }>): void {
    const { host, log } = this.#options;
    const about = { host: host.id, tier, incident, domain };
    if (incident === 'stuck') log.warn(about, 'its QEMU does not answer; sampled without it');
    else if (incident === 'unstuck') log.info(about, 'sampled with it again');
    else if (incident === 'paused') this.#tellPaused(about);
    else if (loudIncidents.has(incident)) log.warn(about, 'slow stats');
  }

  /** Once, until a round was asked again. */
  #tellPaused(about: object): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#options.log.warn(about, 'all calls that the tier may have hang; it pauses');
  }
}

const loudIncidents: ReadonlySet<Incident> = new Set([
  'deadline',
  'groups-dropped',
  'groups-restored',
  'slowed',
]);

/** What libvirt says of a domain that is not there, or does not run. */
const goneCodes: ReadonlySet<number> = new Set([VIR_ERR_NO_DOMAIN, VIR_ERR_OPERATION_INVALID]);
