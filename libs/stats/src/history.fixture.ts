/**
 * A host's whole history from a seed: a daemon whose monitor calls go domain by domain and hang
 * where a QEMU is frozen, that is slow, refuses, answers twice, loses sessions and keeps their
 * calls; timers that fire early or long after. The invariants of sampler.ts are judged from
 * outside, after every step.
 */
import assert from 'node:assert/strict';
import type { StatsPage } from '@virtscope/contracts';
import { VIR_DOMAIN_CONTROL_OCCUPIED, VIR_DOMAIN_CONTROL_OK } from 'node-libvirt/constants';
import { Agenda, dice } from './agenda.fixture.ts';
import { checkPages, isFresh } from './checked-pages.fixture.ts';
import { Guests, type DaemonCall, type GuestJob } from './guests.fixture.ts';
import { nextTurn, phaseOf } from './phase.ts';
import type { DomainRef } from './record.ts';
import type { ControlAnswer, SampleEffect, SamplerEffect, SamplerInput } from './sampler-io.ts';
import { startSampler, stepSampler } from './sampler.ts';
import { fastFields, monitorBusyFields, monitorFields, record, uuid } from './testing.ts';
import { defaultPeriods, samplerTiers, type SamplerTier } from './tier.ts';

export type Faults = {
  /** Domains that may be frozen at a time. */
  maxFrozen: number;
  /** Everything but freezes: slow, refused, doubled answers, lost sessions, late timers. */
  rough: boolean;
};

const host = 'hv1';
const domains = 6;
const periods = defaultPeriods;
export const faultyMs = 120_000;
/** For the pace to come back and `interface` to be probed for, after late probes. */
const maxHealingMs = 60_000 + 15 * 8 * periods.fast;

type Seen = { page: StatsPage; startedMs: number };

export class History {
  readonly #random: () => number;
  readonly #faults: Faults;
  readonly #agenda = new Agenda();
  readonly guests = new Guests(domains, this.#agenda);
  readonly #calls = new Set<DaemonCall>();
  readonly #sessions: Record<SamplerTier, number> = { fast: 0, monitor: 0 };
  readonly #slots: Record<SamplerTier, number> = { fast: -1, monitor: -1 };
  readonly #newest: Partial<Record<SamplerTier, Seen>> = {};
  /** What the mind said is out. */
  readonly #out = new Set<string>();
  /** Domains that were told stuck, and not yet well. */
  readonly #told = new Set<string>();
  /** When the newest call for many domains of the monitor tier began. */
  #roundMs = 0;
  /** When the fast tier first knew the domains. */
  #knownMs = Number.POSITIVE_INFINITY;
  /** Frozen domains that were found in time. */
  found = 0;
  /**
   * A call for a job's progress came to wait behind one that was given up and had gone on to another
   * frozen domain, of which nobody knew: two calls for one frozen domain.
   */
  jobWaited = false;
  #interfaceHangs = false;
  #state = startSampler(host, periods);
  #wake = 0;
  #epoch = 100;
  #faulty = true;
  readonly counts: Record<string, number> = {};
  readonly log: unknown[] = [];
  /** Domain → when the calls began whose values of it were published, monitor tier. */
  readonly freshAt = new Map<string, number[]>();

  constructor(seed: number, faults: Faults) {
    this.#random = dice(seed);
    this.#faults = faults;
  }

  run(): this {
    for (const tier of samplerTiers)
      this.#agenda.later(this.#random() * 1_000, () => this.#open(tier));
    this.#agenda.later(15_000 * this.#random(), () => this.#mischief());
    this.#agenda.until(faultyMs);
    this.#faulty = false;
    this.#interfaceHangs = false;
    for (const guest of this.guests.all.keys()) {
      this.guests.thaw(guest);
      this.guests.endJob(guest);
    }
    this.#moveCalls();
    for (const tier of samplerTiers) {
      if (!this.#isOpen(tier)) this.#agenda.later(1, () => this.#open(tier));
    }
    const endMs = faultyMs + maxHealingMs;
    // Calm for three turns on end: what was slow before may still be on its way.
    for (let turns = 0; turns < 3 && this.#agenda.nowMs < endMs;) {
      this.#agenda.until(this.#agenda.nowMs + periods.monitor);
      turns = this.#isCalm() ? turns + 1 : 0;
    }
    return this;
  }

  /** After the last fault both tiers sample everybody again, whole, at their pace. */
  checkHealed(): void {
    for (const tier of samplerTiers) {
      const seen = this.#newest[tier];
      assert(seen, `no sample of ${tier}`);
      const { page, startedMs } = seen;
      assert(this.#agenda.nowMs - startedMs <= 2 * periods[tier], `${tier} stands still`);
      assert.equal(page.epoch, this.#epoch);
      assert.equal(page.intervalMs, periods[tier]);
      assert.equal(page.uuids.length, domains);
      assert.equal(page.monitor, undefined);
      assert.equal(page.pages, 1);
    }
    assert.equal(this.#newest.fast?.page.groups['interface'], 'complete');
    assert.equal(this.#out.size, 0);
    assert.equal(this.#told.size, 0);
  }

  #isCalm(): boolean {
    const { fast, monitor } = this.#state;
    const open = fast.open && monitor.open && monitor.calls.length === 0;
    const rounds = this.#out.size === 0 && monitor.jobs.size === 0;
    return open && rounds && fast.reduced === undefined && monitor.slowdown === 1;
  }

  /** One fault now and then, each of a kind that really happens. */
  #mischief(): void {
    if (!this.#faulty) return;
    const guest = Math.floor(this.#random() * domains);
    const dice = this.#random();
    if (dice < 0.5) this.#freeze(guest, this.#random() * 40_000);
    else if (dice < 0.65) this.#kill(guest);
    else if (dice < 0.75) this.#startJob(guest);
    else if (this.#faults.rough) {
      if (dice < 0.85) this.#lose(this.#random() < 0.5 ? 'fast' : 'monitor');
      else if (dice < 0.93) this.#interfaceHangs = !this.#interfaceHangs;
      else {
        this.guests.at(guest).cpuNs = 0; // counters that go backwards within one run
      }
    }
    this.#agenda.later(this.#random() * 12_000, () => this.#mischief());
  }

  #freeze(n: number, forMs: number): void {
    const guest = this.guests.at(n);
    if (guest.frozen || this.guests.isOff(n)) return;
    if (this.guests.frozen >= this.#faults.maxFrozen) return;
    this.guests.freeze(n);
    this.#agenda.later(forMs, () => {
      if (!guest.frozen) return;
      this.guests.thaw(n);
      this.#moveCalls();
    });
  }

  #kill(n: number): void {
    if (this.guests.isOff(n)) return;
    this.guests.kill(n, this.#random() * 6_000);
    this.#moveCalls();
  }

  /** A migration or a backup; whoever hears events mostly hears of both its ends. */
  #startJob(n: number): void {
    if (this.guests.isOff(n) || this.guests.at(n).job !== undefined) return;
    const dice = this.#random();
    this.guests.startJob(n, dice < 0.4 ? 'out' : dice < 0.8 ? 'in' : 'backup');
    this.#hearOfJob(n);
    const { run } = this.guests.at(n);
    this.#agenda.later(this.#random() * 40_000, () => {
      if (this.guests.at(n).run !== run) return;
      this.guests.endJob(n);
      this.#hearOfJob(n);
    });
  }

  #hearOfJob(n: number): void {
    if (this.#random() < 0.2) return;
    this.#agenda.later(this.#random() * 50, () => {
      this.#give({ type: 'jobHeard', uuid: uuid(n), nowMs: this.#agenda.nowMs });
    });
  }

  #isOpen(tier: SamplerTier): boolean {
    return this.#sessions[tier] % 2 === 1;
  }

  #open(tier: SamplerTier): void {
    if (this.#isOpen(tier)) return;
    this.#sessions[tier] += 1;
    this.#epoch += 1 + Math.floor(this.#random() * 3);
    this.#give({ type: 'opened', tier, epoch: this.#epoch, nowMs: this.#agenda.nowMs });
  }

  #lose(tier: SamplerTier): void {
    if (!this.#isOpen(tier)) return;
    this.#sessions[tier] += 1;
    this.#give({ type: 'lost', tier });
    this.#agenda.later(this.#random() * 20_000, () => this.#open(tier));
  }

  #give(input: SamplerInput): void {
    const [state, effects] = stepSampler(this.#state, input);
    this.#state = state;
    this.log.push([input.type, effects.length, this.#agenda.nowMs]);
    const pages = effects.flatMap((effect) =>
      effect.type === 'publish' && effect.page.tier !== 'host' ? [effect] : [],
    );
    if (pages.length > 0) this.#checkPublished(pages);
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: SamplerEffect): void {
    switch (effect.type) {
      case 'sample':
        return this.#call(effect);
      case 'readHost':
        return this.#agenda.later(5, () => {
          this.#give({
            type: 'hostRead',
            callId: effect.callId,
            startedMs: this.#agenda.nowMs - 5,
            startedWallMs: 1_800_000_000_000 + this.#agenda.nowMs,
            nowMs: this.#agenda.nowMs,
            reading: {},
          });
        });
      case 'diagnose':
        return this.#diagnose(effect);
      case 'readJob':
        return this.#readJob(effect);
      case 'wakeAt': {
        const wake = ++this.#wake;
        // Early by a hair, on time, or after a stall of the process.
        const stalled = this.#faulty && this.#faults.rough && this.#random() < 0.02;
        const late = stalled ? this.#random() * 9_000 : 0;
        const inMs = Math.max(0.01, effect.atMs - this.#agenda.nowMs + this.#random() - 0.3 + late);
        return this.#agenda.later(inMs, () => {
          if (wake === this.#wake) this.#give({ type: 'woke', nowMs: this.#agenda.nowMs });
        });
      }
      case 'count': {
        const { tier, incident, by, domain = '' } = effect;
        const key = `${tier} ${incident}`;
        this.counts[key] = (this.counts[key] ?? 0) + by;
        if (incident === 'unstuck') this.#out.delete(domain);
        if (incident === 'stuck') {
          this.#out.add(domain);
          this.#checkFound(domain);
        }
        return;
      }
      case 'tell': {
        // P8: one alarm, one all-clear.
        const { kind, domain } = effect;
        assert.equal(this.#told.has(domain.uuid), kind === 'monitor-recovered', `${kind} twice`);
        if (kind === 'monitor-stuck') this.#told.add(domain.uuid);
        else this.#told.delete(domain.uuid);
        return;
      }
      case 'hint':
      case 'publish':
    }
  }

  #diagnose({ diagnosisId, domains: asked }: Extract<SamplerEffect, { type: 'diagnose' }>): void {
    assert(this.#isOpen('fast'), 'a diagnosis without a connection');
    assert(asked.length > 0);
    const session = this.#sessions.fast;
    this.#agenda.later(0.3 * asked.length, () => {
      if (session !== this.#sessions.fast) return;
      const answers = asked.map((domain) => this.#controlInfo(domain));
      this.#give({ type: 'diagnosed', diagnosisId, nowMs: this.#agenda.nowMs, answers });
    });
  }

  #controlInfo(domain: DomainRef): ControlAnswer {
    const n = this.guests.uuids.indexOf(domain.uuid);
    if (this.guests.isOff(n)) return { uuid: domain.uuid, gone: true };
    const holder = [...this.#calls].find((call) => call.at === n);
    return holder === undefined
      ? { uuid: domain.uuid, state: VIR_DOMAIN_CONTROL_OK, stateTimeMs: 0 }
      : {
          uuid: domain.uuid,
          state: VIR_DOMAIN_CONTROL_OCCUPIED,
          stateTimeMs: this.#agenda.nowMs - holder.sinceMs,
        };
  }

  #call(effect: SampleEffect): void {
    const { tier, domains: list } = effect;
    assert(this.#isOpen(tier), 'a call without a session');
    if (tier === 'fast') {
      const slot = nextTurn(
        this.#agenda.nowMs,
        periods.fast,
        phaseOf(`${host} fast`, periods.fast),
      );
      assert(slot > this.#slots.fast, 'P2: a second call in one interval');
      this.#slots.fast = slot;
    } else if (list === undefined) {
      assert.equal(this.#out.size, 0, 'P6: all are asked while one is out');
    } else {
      assert(list.length > 0, 'an empty list asks for all');
      const out = list.filter((domain) => this.#out.has(domain.uuid));
      assert(out.length === 0 || list.length === 1, 'P6: one that is out is asked with others');
    }
    if (tier === 'monitor') {
      const asked = list ?? this.guests.uuids.map((each) => ({ uuid: each }));
      for (const { uuid: each } of asked) {
        assert(!this.#state.monitor.jobs.has(each), 'P7: in a job, and in a round');
      }
    }
    if (tier === 'monitor' && list?.length !== 1) this.#roundMs = this.#agenda.nowMs;
    const all = [...this.guests.all.keys()];
    const rest =
      list === undefined ? all : list.map((each) => this.guests.uuids.indexOf(each.uuid));
    const call = this.#begin(tier, effect, rest);
    const slow = this.#faulty && this.#faults.rough && this.#random() < 0.1;
    this.#agenda.later(1 + this.#random() * (slow ? 20_000 : 20), () => {
      if (tier === 'fast') this.#finishFast(call);
      else this.#move(call);
    });
  }

  #readJob(effect: Extract<SamplerEffect, { type: 'readJob' }>): void {
    assert(this.#isOpen('monitor'), 'a call without a session');
    const id = effect.domain.uuid;
    assert(!this.#out.has(id), 'P6: one that is out is asked for its job');
    const asks = ({ effect: other, session }: DaemonCall): boolean =>
      other.type === 'readJob' && session === this.#sessions.monitor && other.domain.uuid === id;
    assert(![...this.#calls].some(asks), 'P7: asked twice at a time');
    const call = this.#begin('monitor', effect, [this.guests.uuids.indexOf(id)]);
    this.#agenda.later(1 + this.#random() * 10, () => this.#move(call));
  }

  #begin(tier: SamplerTier, effect: DaemonCall['effect'], rest: number[]): DaemonCall {
    const call: DaemonCall = {
      tier,
      effect,
      session: this.#sessions[tier],
      startedMs: this.#agenda.nowMs,
      rest,
      records: [],
      at: undefined,
      sinceMs: this.#agenda.nowMs,
    };
    this.#calls.add(call);
    const mine = [...this.#calls].filter((each) => each.session === this.#sessions[each.tier]);
    const monitor = mine.filter((each) => each.tier === 'monitor').length;
    assert(monitor <= 4 && mine.length <= 5 && mine.length - monitor <= 2, 'P1: too many calls');
    return call;
  }

  #finishFast(call: DaemonCall): void {
    const asksInterface = call.effect.type === 'sample' && (call.effect.stats & 0x10) !== 0;
    if (asksInterface && this.#interfaceHangs) {
      this.#agenda.later(500, () => this.#finishFast(call));
      return;
    }
    for (const [n, guest] of this.guests.all.entries()) {
      call.records.push(record(n, this.guests.isOff(n) ? -1 : guest.run, fastFields));
    }
    this.#answer(call);
  }

  /** On with every call that stands at a guest that is not frozen any more. */
  #moveCalls(): void {
    for (const call of this.#calls) {
      if (call.at === undefined ? !call.waits : this.guests.at(call.at).frozen) continue;
      this.#move(call);
    }
  }

  /** One domain after the other, until it hangs. */
  #move(call: DaemonCall): void {
    for (;;) {
      if (call.at === undefined) {
        const next = call.rest.shift();
        if (next === undefined) return this.#answer(call);
        if (this.guests.isOff(next)) continue;
        const held = [...this.#calls].some((other) => other.at === next);
        if (call.effect.type === 'readJob') {
          // It knows no NOWAIT.
          call.waits = held;
          this.jobWaited ||= held;
          if (held) {
            call.rest.push(next);
            return;
          }
        } else if (held || this.guests.at(next).job === 'in') {
          // NOWAIT: another call holds its job.
          const { run } = this.guests.at(next);
          call.records.push(record(next, run, monitorBusyFields));
          continue;
        }
        call.at = next;
        call.sinceMs = this.#agenda.nowMs;
      }
      const guest = this.guests.at(call.at);
      if (guest.frozen) return;
      if (call.effect.type === 'readJob') {
        call.at = undefined;
        return this.#answerJob(call, guest.job);
      }
      if (!this.guests.isOff(call.at)) {
        guest.cpuNs += 1e6;
        call.records.push(
          record(call.at, guest.run, { ...monitorFields, 'cpu.time': guest.cpuNs }),
        );
      }
      call.at = undefined;
    }
  }

  #answerJob(call: DaemonCall, job: GuestJob | undefined): void {
    this.#calls.delete(call);
    if (call.session !== this.#sessions.monitor) return;
    const operation = job === 'out' ? 5 : 9;
    this.#give({
      type: 'jobRead',
      callId: call.effect.callId,
      startedMs: call.startedMs,
      startedWallMs: 1_800_000_000_000 + call.startedMs,
      nowMs: this.#agenda.nowMs,
      reading: job === undefined ? 'none' : job === 'in' ? 'incoming' : [['operation', operation]],
    });
  }

  #answer(call: DaemonCall): void {
    this.#calls.delete(call);
    const { effect, startedMs, records, session, tier } = call;
    if (effect.type === 'readJob') return this.#answerJob(call, undefined); // it stopped
    if (session !== this.#sessions[tier]) return;
    const rough = this.#faulty && this.#faults.rough;
    const { callId } = effect;
    if (rough && this.#random() < 0.04) {
      return this.#give({ type: 'failed', tier, callId, nowMs: this.#agenda.nowMs });
    }
    // A clock that misbehaves: an answer claims to be older than it is.
    const claimedMs = rough && this.#random() < 0.02 ? startedMs - 15_000 : startedMs;
    const give = (): void => {
      this.#give({
        type: 'sampled',
        tier,
        callId,
        startedMs: claimedMs,
        startedWallMs: 1_800_000_000_000 + claimedMs,
        nowMs: this.#agenda.nowMs,
        records,
      });
    };
    give();
    if (rough && this.#random() < 0.05) this.#agenda.later(this.#random() * 5_000, give);
  }

  /** Within two seconds of the first call that met it, once the fast tier knows the domains. */
  #checkFound(id: string): void {
    const n = this.guests.uuids.indexOf(id);
    const met = [...this.#calls].find(({ at }) => at === n);
    if (this.#faults.rough || met === undefined || met.sinceMs < this.#knownMs) return;
    // One that was given up may meet another domain later; a later round finds that.
    if (met.startedMs !== this.#roundMs) return;
    assert(this.#agenda.nowMs - met.sinceMs <= 2_000, 'found late');
    this.found += 1;
  }

  #checkPublished(effects: Extract<SamplerEffect, { type: 'publish' }>[]): void {
    const [first] = effects;
    assert(first);
    const { page, startedMs } = first;
    const tier = page.tier as SamplerTier;
    checkPages(effects, this.#agenda.nowMs);
    for (const effect of tier === 'monitor' ? effects : []) {
      if (!isFresh(effect.page)) continue;
      for (const id of effect.page.uuids) {
        this.freshAt.set(id, [...(this.freshAt.get(id) ?? []), effect.startedMs]);
      }
    }
    const before = this.#newest[tier];
    if (before !== undefined) {
      assert.equal(page.sampleId, before.page.sampleId + 1);
      // Only a sample that repeats what is known begins where the one before did.
      if (isFresh(page)) assert(startedMs >= before.startedMs, 'P3: an older sample');
    }
    assert.equal(page.epoch, this.#epoch);
    if (tier === 'fast') this.#knownMs = Math.min(this.#knownMs, this.#agenda.nowMs);
    const knownMs = before?.startedMs ?? Number.NEGATIVE_INFINITY;
    const newestMs = isFresh(page) ? Math.max(startedMs, knownMs) : knownMs;
    this.#newest[tier] = { page, startedMs: newestMs };
  }
}
