/**
 * The mind that watches over the fleet: what no single host can tell. One replica runs it at a time,
 * under the epoch of the pseudo host `_fleet`. It keeps these promises:
 *
 * - F1 `split-brain` is said of a domain that runs on two hosts which are both live, of one cluster and
 *   driver, and were both verified a bound after it was first seen so: a migration's two sides are not.
 * - F2 `ambiguous` is said of one that runs on a live host, and did on one that cannot be believed now.
 * - F3 What was said is cleared when it is over, by whichever watch is there then, and said once.
 * - F4 What this watch cannot judge itself (it is cut off, or has just begun) it does not judge.
 *
 * State is owned by the caller's loop and changed in place.
 */
import {
  fleetHost,
  gapKind,
  heartbeatTtlMs,
  type EventData,
  type FleetKind,
  type HostId,
} from '@virtscope/contracts';
import { Pulses, judgeHost, type HostTrust } from '@virtscope/trust';
import type { Now } from '../feed-io.ts';
import { aliasesOf } from './aliases.ts';
import { Conflicts } from './conflicts.ts';
import type { FleetBase } from './fleet-base.ts';
import type { FleetEffect, FleetHost, FleetInput } from './fleet-io.ts';
import { RunningDomains } from './running.ts';

/** Every host's bridge has been heard by then, or is dead. */
const listenMs = heartbeatTtlMs + 1_000;

export class FleetWatch {
  readonly #epoch: number;
  readonly #base: FleetBase;
  readonly #conflicts: Conflicts;
  #running = new RunningDomains();
  #pulses = new Pulses();
  #hosts = new Map<HostId, FleetHost>();
  #appliedSeq = 0;
  /** Since when everything is heard; undefined while something is not. */
  #hearsSinceMs: number | undefined;
  #isOpen = false;
  #seq = 0;

  constructor(epoch: number, base: FleetBase) {
    this.#epoch = epoch;
    this.#base = base;
    this.#conflicts = new Conflicts(base.conflicts);
  }

  /** The last event's seq. */
  get seq(): number {
    return this.#seq;
  }

  /** Begins; what happens until the first judgement lies between two `gap` marks. */
  open(cause: string, now: Now): FleetEffect[] {
    const effects: FleetEffect[] = [];
    this.#publish(effects, now, { kind: gapKind, phase: 'begin', cause });
    return effects;
  }

  step(input: FleetInput, now: Now): FleetEffect[] {
    switch (input.type) {
      case 'opened':
        this.#running = new RunningDomains();
        this.#pulses.forget();
        this.#appliedSeq = 0;
        this.#hearsSinceMs = undefined;
        break;
      case 'row':
        this.#appliedSeq = Math.max(this.#appliedSeq, input.seq);
        this.#running.row(input.row);
        break;
      case 'record':
        this.#appliedSeq = Math.max(this.#appliedSeq, input.seq);
        this.#running.record(input.record);
        break;
      case 'caughtUp':
        this.#appliedSeq = Math.max(this.#appliedSeq, input.seq);
        this.#hearsSinceMs ??= now.monotonicMs;
        break;
      case 'cutOff':
        this.#hearsSinceMs = undefined;
        break;
      case 'beat':
        this.#pulses.heard(input.beat);
        break;
      case 'roundTrip':
        this.#pulses.roundTripEnded(input.trip);
        break;
      case 'wanted':
        this.#hosts = new Map(input.hosts.map((host) => [host.id, host]));
        break;
      case 'tick':
        return this.#judge(now);
    }
    return [];
  }

  #judge(now: Now): FleetEffect[] {
    if (!this.#canJudge(now.monotonicMs)) return []; // F4
    const effects: FleetEffect[] = [];
    const trusts = new Map<HostId, HostTrust>();
    for (const id of this.#hosts.keys()) trusts.set(id, this.#trustOf(id, now.monotonicMs));
    this.#tellTrusts(effects, now, trusts);
    const aliases = aliasesOf(this.#hosts.keys(), (id) => this.#running.hosts.get(id)?.record);
    this.#tellAliases(effects, now, aliases);
    const verdicts = this.#conflicts.judge({
      running: this.#running,
      hosts: this.#hosts,
      aliases,
      trusts,
      nowMs: now.monotonicMs,
    });
    for (const { uuid, kind, places } of verdicts) {
      const hosts = places.map(({ host }) => host);
      const name = places[0]?.name;
      this.#publish(effects, now, { kind, uuid, ...(name && { name }), payload: { hosts } });
    }
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#publish(effects, now, { kind: gapKind, phase: 'end' });
    }
    return effects;
  }

  #canJudge(nowMs: number): boolean {
    const trip = this.#pulses.lastRoundTrip;
    const isAnswered = trip !== undefined && nowMs - trip.startedMs <= heartbeatTtlMs;
    if (!isAnswered && this.#hearsSinceMs !== undefined) this.#hearsSinceMs = nowMs;
    return this.#hearsSinceMs !== undefined && nowMs - this.#hearsSinceMs >= listenMs;
  }

  #trustOf(id: HostId, nowMs: number): HostTrust {
    const host = this.#running.hosts.get(id);
    return judgeHost({
      nowMs,
      unwanted: false,
      reader: undefined,
      record: host?.record,
      recordUnreadable: false,
      syncedEpoch: host?.syncedEpoch ?? 0,
      rows: host?.hasRows === true ? 1 : 0,
      doubt: undefined,
      pulse: this.#pulses.believed(id, this.#appliedSeq),
      verifiedMs: this.#pulses.verifiedMs(id, this.#appliedSeq),
    });
  }

  #tellTrusts(effects: FleetEffect[], now: Now, judged: ReadonlyMap<HostId, HostTrust>): void {
    const { trusts } = this.#base;
    for (const [about, { trust: after, reason }] of judged) {
      const before = trusts.get(about);
      trusts.set(about, after);
      // Of a host that was never spoken of, that all is well is no news.
      if (before === after || (before === undefined && after === 'live')) continue;
      const payload = { before: before ?? null, after, ...(reason && { reason }) };
      this.#publish(effects, now, { kind: 'trust', about, payload });
    }
    for (const id of trusts.keys()) if (!judged.has(id)) trusts.delete(id);
  }

  #tellAliases(effects: FleetEffect[], now: Now, found: ReadonlyMap<HostId, HostId>): void {
    const { aliases: told } = this.#base;
    for (const [about, of] of found) {
      if (told.get(about) === of) continue;
      told.set(about, of);
      this.#publish(effects, now, { kind: 'alias', about, payload: { of } });
    }
    for (const [about, of] of told) {
      if (found.has(about)) continue;
      told.delete(about);
      this.#publish(effects, now, { kind: 'alias-cleared', about, payload: { of } });
    }
  }

  #publish(
    effects: FleetEffect[],
    now: Now,
    data: { kind: FleetKind | typeof gapKind } & Partial<EventData>,
  ): void {
    const { last } = this.#base;
    const key = data.uuid ?? data.about ?? '';
    this.#seq++;
    const event: EventData = {
      v: 1,
      role: 'event-bridge',
      host: fleetHost,
      epoch: this.#epoch,
      seq: this.#seq,
      prev: last.get(key) ?? null,
      observedAt: new Date(now.wallMs).toISOString(),
      ...data,
    };
    last.set(key, { epoch: this.#epoch, seq: this.#seq });
    effects.push({ type: 'publish', event });
  }
}
