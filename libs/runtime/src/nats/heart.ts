import type { NatsConnection } from '@nats-io/nats-core';
import {
  heartbeatPeriodMs,
  heartbeatSchema,
  heartbeatTtlMs,
  subjects,
  type Heartbeat,
  type HostId,
  type HostPulse,
  type WriterRole,
} from '@virtscope/contracts';
import { parseJson } from '../json.ts';
import type { Hands } from '../service.ts';
import type { LinkStatus } from './link-status.ts';

/** In a burst of changes a host's pulse goes out at most this often. */
const eagerBeatMs = 2;
/** A replica that was silent for longer asks first whether its hosts are still its own. */
export const maxSilenceMs = heartbeatTtlMs / 2;

export type HeartHands = Pick<Hands, 'replica' | 'clock' | 'signal' | 'metrics'>;

export type HeartOptions = {
  role: WriterRole;
  link: LinkStatus;
  /** Another replica of the role was heard, or said that it goes. */
  onBeat: (replica: string, leaving: boolean) => void;
  /** This process was paused or starved: somebody may have taken its hosts meanwhile. */
  onSilence: () => void;
};

/** Beats for a replica and the hosts that it holds, and hears the others of its role (bus rule 8). */
export class Heart {
  readonly #nc: NatsConnection;
  readonly #options: HeartOptions;
  readonly #hands: HeartHands;
  readonly #pulses = new Map<HostId, () => HostPulse>();
  readonly #holders = new Map<HostId, { replica: string; heardMs: number }>();
  readonly #eager = new Set<HostId>();
  #eagerTimer: NodeJS.Timeout | undefined;
  #eagerAtMs = Number.NEGATIVE_INFINITY;
  #beat = 0;
  #sentAtMs: number;

  constructor(nc: NatsConnection, options: HeartOptions, hands: HeartHands) {
    this.#nc = nc;
    this.#options = options;
    this.#hands = hands;
    this.#sentAtMs = hands.clock.monotonicMs();
    const malformed = hands.metrics.counter(
      'heartbeats_malformed_total',
      'Heartbeats that could not be read',
    );
    nc.subscribe(subjects.heartbeatsOf(options.role), {
      callback: (error, message) => {
        if (error !== null) return;
        const beat = heartbeatSchema.safeParse(parseJson(message.data));
        if (beat.success) this.#hear(beat.data);
        else malformed.inc();
      },
    });
  }

  /** What this replica says of a host from now on. */
  tell(host: HostId, pulse: () => HostPulse): void {
    this.#pulses.set(host, pulse);
    this.beatSoon(host);
  }

  /** Gives a host up: the others may take it at once. */
  release(host: HostId): void {
    const pulse = this.#pulses.get(host)?.();
    this.#pulses.delete(host);
    if (pulse !== undefined) this.#send([[host, { ...pulse, link: 'syncing', released: true }]]);
  }

  /** At once after a quiet time; in a burst, once every {@link eagerBeatMs}. */
  beatSoon(host: HostId): void {
    this.#eager.add(host);
    const waitMs = this.#eagerAtMs + eagerBeatMs - this.#hands.clock.monotonicMs();
    this.#eagerTimer ??= setTimeout(
      () => {
        this.#eagerTimer = undefined;
        this.#eagerAtMs = this.#hands.clock.monotonicMs();
        this.#send(this.#pulsesOf(this.#eager));
        this.#eager.clear();
      },
      Math.max(0, waitMs),
    );
  }

  /** How long this replica has said nothing: paused, starved, or without a connection. */
  get silentMs(): number {
    return this.#hands.clock.monotonicMs() - this.#sentAtMs;
  }

  /** A whole beat now: a new replica hears at once who is there. */
  beatNow(): void {
    this.#send(this.#pulsesOf(this.#pulses.keys()));
  }

  /** The replica that lives and holds the host, if it is not this one. */
  holderOf(host: HostId): string | undefined {
    const holder = this.#holders.get(host);
    const lives =
      holder !== undefined && this.#hands.clock.monotonicMs() - holder.heardMs < heartbeatTtlMs;
    return lives ? holder.replica : undefined;
  }

  /** Beats until the service stops, and says goodbye. */
  async run(): Promise<void> {
    const { clock, signal } = this.#hands;
    while (!signal.aborted) {
      if (this.silentMs > maxSilenceMs) this.#options.onSilence();
      else this.beatNow();
      await clock.sleep(heartbeatPeriodMs, signal).catch(() => undefined);
    }
  }

  /** The last beat, after everything that was heard is on the bus. */
  goodbye(): void {
    clearTimeout(this.#eagerTimer);
    this.#send(
      this.#pulsesOf(this.#pulses.keys()).map(([host, pulse]) => [
        host,
        { ...pulse, link: 'syncing', released: true },
      ]),
      true,
    );
  }

  #pulsesOf(hosts: Iterable<HostId>): [HostId, HostPulse][] {
    return [...hosts].flatMap((host): [HostId, HostPulse][] => {
      const pulse = this.#pulses.get(host);
      return pulse === undefined ? [] : [[host, pulse()]];
    });
  }

  #send(pulses: readonly (readonly [HostId, HostPulse])[], leaving = false): void {
    // While the connection is away the client would keep beats, and send them late as fresh ones.
    if (!this.#options.link.up) return;
    const beat: Heartbeat = {
      v: 1,
      role: this.#options.role,
      replica: this.#hands.replica,
      beat: ++this.#beat,
      hosts: Object.fromEntries(pulses),
      ...(leaving ? { leaving: true as const } : {}),
    };
    const subject = subjects.heartbeat(this.#options.role, this.#hands.replica);
    this.#nc.publish(subject, JSON.stringify(beat));
    this.#sentAtMs = this.#hands.clock.monotonicMs();
  }

  #hear({ replica, hosts, leaving }: Heartbeat): void {
    if (replica === this.#hands.replica) return;
    const heardMs = this.#hands.clock.monotonicMs();
    for (const [host, { released }] of Object.entries(hosts)) {
      if (released !== true && leaving !== true) this.#holders.set(host, { replica, heardMs });
      else if (this.#holders.get(host)?.replica === replica) this.#holders.delete(host);
    }
    this.#options.onBeat(replica, leaving === true);
  }
}
