/**
 * What the heartbeats of event-bridge say about each host, and when it may be believed (bus
 * rule 8). All times are the reader's monotonic milliseconds.
 */
import type { Epoch, Heartbeat, HostId, HostPulse } from '@virtscope/contracts';

/**
 * Pulses of one host that wait for the view to catch up. At the bound the newest replaces the one
 * before it: the oldest stays first in line, so that a view which is always a little late still
 * comes to believe one.
 */
export const maxPendingPulses = 8;

/** A round trip of the reader's own on its connection to NATS. */
export type RoundTrip = { startedMs: number; endedMs: number };

export type Pulse = {
  epoch: Epoch;
  link: HostPulse['link'];
  seq: number;
  upTo: number;
  /**
   * A moment before the beat was sent to us: NATS delivers a connection's messages in order, so a
   * beat that came after an answer was not on its way before the question. A beat that lay in a
   * buffer while this process slept is as old as it is.
   */
  boundMs: number;
  verifiedMs: number | null;
};

type HostPulses = {
  believed: Pulse | undefined;
  pending: Pulse[];
  highestEpoch: Epoch;
  /** The newest verification that a believed pulse told of; it cannot become untrue. */
  verifiedMs: number | null;
};

export const refusedBeats = [
  /** No round trip has ended yet: the beat could be of any age. */
  'unbounded',
  /** A writer of an epoch below one already heard of this host. */
  'stale-writer',
] as const;
export type RefusedBeat = (typeof refusedBeats)[number];

export class Pulses {
  readonly refused: Record<RefusedBeat, number> = { unbounded: 0, 'stale-writer': 0 };
  readonly #hosts = new Map<HostId, HostPulses>();
  #lastTrip: RoundTrip | undefined;

  roundTripEnded(trip: RoundTrip): void {
    this.#lastTrip = trip;
  }

  get lastRoundTrip(): RoundTrip | undefined {
    return this.#lastTrip;
  }

  heard(beat: Heartbeat): void {
    if (beat.role !== 'event-bridge') return; // it alone writes the rows
    const boundMs = this.#lastTrip?.startedMs;
    if (boundMs === undefined) {
      this.refused.unbounded++;
      return;
    }
    for (const [host, { epoch, link, seq, upTo, verifiedAgeMs }] of Object.entries(beat.hosts)) {
      const verifiedMs = verifiedAgeMs === null ? null : boundMs - verifiedAgeMs;
      this.#add(host, { epoch, link, seq, upTo, boundMs, verifiedMs });
    }
  }

  /** The newest pulse of the host that a view which applied `appliedSeq` may believe. */
  believed(host: HostId, appliedSeq: number): Pulse | undefined {
    return this.#settle(host, appliedSeq)?.believed;
  }

  /** When the host was last verified, as far as believed pulses tell. */
  verifiedMs(host: HostId, appliedSeq: number): number | null {
    return this.#settle(host, appliedSeq)?.verifiedMs ?? null;
  }

  /** Forgets what was heard: `upTo` of another stream means nothing in this one. */
  forget(): void {
    for (const pulses of this.#hosts.values()) {
      pulses.believed = undefined;
      pulses.pending = [];
      pulses.highestEpoch = 0;
    }
  }

  #add(host: HostId, pulse: Pulse): void {
    let pulses = this.#hosts.get(host);
    if (pulses === undefined) {
      pulses = { believed: undefined, pending: [], highestEpoch: 0, verifiedMs: null };
      this.#hosts.set(host, pulses);
    }
    if (pulse.epoch < pulses.highestEpoch) {
      this.refused['stale-writer']++;
      return;
    }
    // What an earlier session promised will not be kept by it any more.
    if (pulse.epoch > pulses.highestEpoch) pulses.pending = [];
    pulses.highestEpoch = pulse.epoch;
    if (pulses.pending.length >= maxPendingPulses) pulses.pending.pop();
    pulses.pending.push(pulse);
  }

  #settle(host: HostId, appliedSeq: number): HostPulses | undefined {
    const pulses = this.#hosts.get(host);
    if (pulses === undefined) return undefined;
    const newest = pulses.pending.findLastIndex(({ upTo }) => upTo <= appliedSeq);
    for (const pulse of pulses.pending.splice(0, newest + 1)) {
      if (pulse.upTo > appliedSeq) continue;
      pulses.believed = pulse;
      if (pulse.verifiedMs !== null) {
        pulses.verifiedMs = Math.max(pulses.verifiedMs ?? pulse.verifiedMs, pulse.verifiedMs);
      }
    }
    return pulses;
  }
}
