import {
  heartbeatPeriodMs,
  heartbeatSchema,
  heartbeatTtlMs,
  subjects,
  type Heartbeat,
  type HostId,
  type HostPulse,
} from '@virtscope/contracts';
import { parseJson, type Hands, type NatsConnection } from '@virtscope/runtime';
import type { BusGuard } from './bus-guard.ts';

/** A change of a host's link, and settled events, are told at once; a burst as one beat. */
const eagerBeatMs = 5;

/** Beats for this replica's hosts, and hears the others' (bus rule 8). */
export class Heart {
  readonly #nc: NatsConnection;
  readonly #guard: BusGuard;
  readonly #hands: Pick<Hands, 'replica' | 'clock' | 'signal' | 'metrics'>;
  readonly #pulses = new Map<HostId, () => HostPulse>();
  readonly #others = new Map<HostId, { replica: string; epoch: number; heardMs: number }>();
  readonly #eager = new Set<HostId>();
  #eagerTimer: NodeJS.Timeout | undefined;
  #eagerAtMs = Number.NEGATIVE_INFINITY;
  #beat = 0;

  constructor(
    nc: NatsConnection,
    guard: BusGuard,
    hands: Pick<Hands, 'replica' | 'clock' | 'signal' | 'metrics'>,
  ) {
    this.#nc = nc;
    this.#guard = guard;
    this.#hands = hands;
    const malformed = hands.metrics.counter(
      'malformed_messages_total',
      'Foreign bytes on the bus',
      ['kind'],
    );
    nc.subscribe(subjects.heartbeatsOf('event-bridge'), {
      callback: (error, message) => {
        if (error !== null) return;
        const beat = heartbeatSchema.safeParse(parseJson(message.string()));
        if (beat.success) this.#hear(beat.data);
        else malformed.inc({ kind: 'heartbeat' });
      },
    });
  }

  /** What this replica says of a host from now on. */
  tell(host: HostId, pulse: () => HostPulse): void {
    this.#pulses.set(host, pulse);
    this.beatSoon(host);
  }

  forget(host: HostId): void {
    this.#pulses.delete(host);
  }

  /** At once after a quiet time; in a burst, once every {@link eagerBeatMs}. */
  beatSoon(host: HostId): void {
    this.#eager.add(host);
    const waitMs = this.#eagerAtMs + eagerBeatMs - this.#hands.clock.monotonicMs();
    this.#eagerTimer ??= setTimeout(
      () => {
        this.#eagerTimer = undefined;
        this.#eagerAtMs = this.#hands.clock.monotonicMs();
        this.#send([...this.#eager]);
        this.#eager.clear();
      },
      Math.max(0, waitMs),
    );
  }

  /** The replica that lives and holds the host, if it is not this one. */
  holderOf(host: HostId): string | undefined {
    const other = this.#others.get(host);
    const alive =
      other !== undefined && this.#hands.clock.monotonicMs() - other.heardMs < heartbeatTtlMs;
    return alive ? other.replica : undefined;
  }

  /** Beats until the service stops. */
  async run(): Promise<void> {
    const { clock, signal } = this.#hands;
    let beatMs = clock.monotonicMs();
    while (!signal.aborted) {
      const silentMs = clock.monotonicMs() - beatMs;
      beatMs += silentMs;
      // Paused or starved: somebody may have taken our hosts meanwhile (bus rule 8).
      if (silentMs > heartbeatTtlMs / 2) this.#guard.look();
      else this.#send([...this.#pulses.keys()]);
      await clock.sleep(heartbeatPeriodMs, signal).catch(() => undefined);
    }
    clearTimeout(this.#eagerTimer);
  }

  #send(hosts: readonly HostId[]): void {
    // While the connection is away the client would keep beats, and send them late as fresh ones.
    if (!this.#guard.link.up) return;
    const pulses = hosts.flatMap((host) => {
      const pulse = this.#pulses.get(host);
      return pulse === undefined ? [] : [[host, pulse()] as const];
    });
    const beat: Heartbeat = {
      v: 1,
      role: 'event-bridge',
      replica: this.#hands.replica,
      beat: ++this.#beat,
      hosts: Object.fromEntries(pulses),
    };
    this.#nc.publish(subjects.heartbeat('event-bridge', this.#hands.replica), JSON.stringify(beat));
  }

  #hear({ replica, hosts }: Heartbeat): void {
    if (replica === this.#hands.replica) return;
    const heardMs = this.#hands.clock.monotonicMs();
    for (const [host, { epoch }] of Object.entries(hosts)) {
      this.#others.set(host, { replica, epoch, heardMs });
    }
  }
}
