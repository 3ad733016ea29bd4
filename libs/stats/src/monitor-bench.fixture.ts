import type { StatsPage } from '@virtscope/contracts';
import type {
  ControlAnswer,
  JobReading,
  SampleEffect,
  SamplerEffect,
  SamplerInput,
} from './sampler-io.ts';
import { startSampler, stepSampler } from './sampler.ts';
import type { SamplerState } from './state.ts';
import { fastFields, monitorFields, record, uuid } from './testing.ts';
import { defaultPeriods } from './tier.ts';

export const guests = [1, 2, 3, 4, 5, 6];

/** A host of six domains whose fast tier is well; the monitor tier is played by hand. */
export class MonitorBench {
  #state: SamplerState;
  readonly told: string[] = [];
  nowMs = 100_000;
  #wakeAtMs = 0;
  readonly asked: SampleEffect[] = [];
  readonly jobReads: Extract<SamplerEffect, { type: 'readJob' }>[] = [];
  readonly diagnoses: Extract<SamplerEffect, { type: 'diagnose' }>[] = [];
  samples: StatsPage[][] = [];
  readonly counts: Record<string, number> = {};

  /** @param stuck domains that an earlier sampler told stuck */
  constructor(stuck: readonly number[] = []) {
    const domains = stuck.map((n) => record(n, n, monitorFields).domain);
    this.#state = startSampler('hv1', defaultPeriods, [], { epoch: 0, stuck: domains });
    this.give({ type: 'opened', tier: 'fast', epoch: 1, nowMs: this.nowMs });
    this.give({ type: 'opened', tier: 'monitor', epoch: 2, nowMs: this.nowMs });
    this.until(() => this.asked.length > 0);
  }

  give(input: SamplerInput): void {
    const [state, effects] = stepSampler(this.#state, input);
    this.#state = state;
    const pages: StatsPage[] = [];
    for (const effect of effects) {
      if (effect.type === 'wakeAt') this.#wakeAtMs = effect.atMs;
      if (effect.type === 'diagnose') this.diagnoses.push(effect);
      if (effect.type === 'readJob') this.jobReads.push(effect);
      if (effect.type === 'publish' && effect.page.tier === 'monitor') pages.push(effect.page);
      if (effect.type === 'hint') this.told.push(`hint ${effect.domain.name}`);
      if (effect.type === 'tell') {
        const { kind, domain, because } = effect;
        this.told.push([kind, domain.name, because].filter(Boolean).join(' '));
      }
      if (effect.type === 'count') {
        this.counts[effect.incident] = (this.counts[effect.incident] ?? 0) + effect.by;
      }
    }
    if (pages.length > 0) this.samples.push(pages);
    for (const effect of effects) {
      if (effect.type !== 'sample') continue;
      if (effect.tier === 'monitor') this.asked.push(effect);
      else this.answer(effect, guests);
    }
  }

  until(done: () => boolean): void {
    for (let i = 0; !done(); i++) {
      if (i === 200) throw new Error('it never came');
      this.nowMs = Math.max(this.nowMs, this.#wakeAtMs);
      this.give({ type: 'woke', nowMs: this.nowMs });
    }
  }

  /** The next call of the monitor tier. */
  nextCall(): SampleEffect {
    const before = this.asked.length;
    this.until(() => this.asked.length > before);
    return this.asked.at(-1)!;
  }

  answer(call: SampleEffect, of: readonly number[], options: Answer = {}): void {
    const startedMs = options.startedMs ?? this.nowMs;
    this.nowMs += 1;
    const fields = call.tier === 'fast' ? fastFields : (options.fields ?? monitorFields);
    this.give({
      type: 'sampled',
      tier: call.tier,
      callId: call.callId,
      startedMs,
      startedWallMs: Date.UTC(2026, 0, 1) + startedMs,
      nowMs: this.nowMs,
      records: of.map((n) => record(n, n, fields)),
    });
  }

  /** What the domain that was asked last says of its job. */
  job(reading: JobReading): void {
    const { callId } = this.jobReads.at(-1)!;
    const startedMs = this.nowMs;
    this.nowMs += 1;
    const startedWallMs = Date.UTC(2026, 0, 1) + startedMs;
    this.give({ type: 'jobRead', callId, startedMs, startedWallMs, nowMs: this.nowMs, reading });
  }

  /** Control info says that these are occupied for as long as the newest call is out. */
  diagnosed(occupied: readonly number[], stateTimeMs = 600): void {
    const before = this.diagnoses.length;
    this.until(() => this.diagnoses.length > before);
    this.say(occupied, stateTimeMs);
  }

  say(occupied: readonly number[], stateTimeMs = 600): void {
    const { diagnosisId, domains } = this.diagnoses.at(-1)!;
    const out = new Set(occupied.map(uuid));
    const answers = domains.map((domain): ControlAnswer => {
      const is = out.has(domain.uuid);
      return { uuid: domain.uuid, state: is ? 2 : 0, stateTimeMs: is ? stateTimeMs : 0 };
    });
    this.give({ type: 'diagnosed', diagnosisId, nowMs: this.nowMs, answers });
  }
}

export type Answer = { startedMs?: number; fields?: Record<string, string | number> };

/** Whom a call asks by name. */
export const uuidsOf = (call: SampleEffect): string[] | undefined =>
  call.domains?.map((domain) => domain.uuid);
