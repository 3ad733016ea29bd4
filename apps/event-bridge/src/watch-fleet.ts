/** The watch over the whole fleet: the shell around `FleetWatch`, which one replica runs at a time. */
import {
  eventDataSchema,
  eventsStream,
  fleetHost,
  heartbeatSchema,
  hostRecordSchema,
  parseStateSubject,
  presenceSchema,
  subjects,
  tombstoneSchema,
  type EventData,
} from '@virtscope/contracts';
import { FleetWatch, fleetBase, type FleetBase, type FleetInput } from '@virtscope/events';
import { isAborted, type WantedHost } from '@virtscope/fleet';
import {
  Health,
  LinkStatus,
  connectNats,
  followState,
  hearHeartbeats,
  makeRoundTrips,
  parseJson,
  readSubjects,
  takeEpoch,
  type NatsConnection,
} from '@virtscope/runtime';
import { BusWork } from './bus-work.ts';
import type { BridgeHands } from './watch-host.ts';

/** How often the fleet is judged. */
const judgePeriodMs = 1_000;
/** After a watch that was fenced or broke the next one waits: another replica may have it. */
const retryMs = 5_000;

const presenceBrief = presenceSchema.pick({
  host: true,
  uuid: true,
  epoch: true,
  name: true,
  id: true,
  state: true,
  stateReason: true,
});
const tombstoneBrief = tombstoneSchema.pick({
  host: true,
  uuid: true,
  epoch: true,
  tombstone: true,
});

export type FleetHands = Pick<
  BridgeHands,
  'hands' | 'nc' | 'guard' | 'heart' | 'writer' | 'publisher' | 'signal'
> & {
  /** The inventory as it is now. */
  wanted: () => readonly WantedHost[];
};

/** Watches until the signal aborts, one epoch after the other. */
export async function watchFleet(bridge: FleetHands): Promise<void> {
  const { hands, signal } = bridge;
  const log = hands.log.child({ host: fleetHost });
  let cause = 'the watch of the fleet begins';
  while (!isAborted(signal)) {
    try {
      cause = await new FleetSession(bridge).run(cause);
      log.info({ cause }, 'the watch of the fleet ended');
    } catch (error) {
      if (isAborted(signal)) return;
      cause = error instanceof Error ? error.message : String(error);
      log.warn({ err: error }, 'the watch of the fleet broke; it starts again');
    }
    await hands.clock.sleep(retryMs, signal).catch(() => undefined);
  }
}

class FleetSession {
  readonly #bridge: FleetHands;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #bus: BusWork;
  #watch: FleetWatch | undefined;
  #ended = 'the watch of the fleet ended';

  constructor(bridge: FleetHands) {
    this.#bridge = bridge;
    this.#signal = AbortSignal.any([bridge.signal, this.#stop.signal]);
    this.#bus = new BusWork(fleetHost, bridge, {
      answered: () => undefined,
      full: (why) => this.#end(why),
      broken: (error) => this.#end(`an event broke: ${String(error)}`),
    });
  }

  /** @returns why it ended */
  async run(cause: string): Promise<string> {
    const { hands, nc, guard } = this.#bridge;
    const epoch = await takeEpoch(nc, {
      role: 'event-bridge',
      host: fleetHost,
      floor: (await this.#readBase()).epoch,
      clock: hands.clock,
      holder: hands.replica,
    });
    const watch = new FleetWatch(epoch, await this.#readBase());
    this.#watch = watch;
    using _guarded = guard.guard(fleetHost, {
      epoch,
      upTo: () => 0,
      restart: (why) => this.#end(why),
      fenced: (byEpoch) => {
        this.#end(`fenced: epoch ${byEpoch} is above ours`);
        this.#bus.giveUp();
      },
      inspect: () => Promise.resolve(0),
    });
    // Of its own, as the other one does not hear what this replica says itself.
    const ear = await connectNats({ ...hands, health: new Health(), signal: this.#signal });
    try {
      for (const effect of watch.open(cause, this.#now())) this.#bus.publish(effect);
      await this.#listen(ear);
    } finally {
      await ear.close();
    }
    await this.#bus.drain();
    this.#bus.giveUp();
    return this.#ended;
  }

  async #readBase(): Promise<FleetBase> {
    const { name: stream } = eventsStream;
    const last = await readSubjects(this.#bridge.nc, {
      stream,
      filter: subjects.eventsOfHost(fleetHost),
      signal: this.#signal,
    });
    return fleetBase(
      last.flatMap(({ data }): EventData[] => {
        const event = eventDataSchema.safeParse(parseJson(data));
        return event.success ? [event.data] : [];
      }),
    );
  }

  /** Hears everything there is, and judges it, until the signal aborts. */
  async #listen(ear: NatsConnection): Promise<void> {
    const { clock } = this.#bridge.hands;
    const feed = { link: new LinkStatus(ear), clock, signal: this.#signal };
    using _beats = hearHeartbeats(ear, (_, data) => {
      const beat = heartbeatSchema.safeParse(parseJson(data));
      if (beat.success) this.#take({ type: 'beat', beat: beat.data });
    });
    await Promise.all([
      makeRoundTrips(ear, feed, (trip) => this.#take({ type: 'roundTrip', trip })),
      followState(ear, feed, (event) => {
        if (event.type === 'opened') this.#take({ type: 'opened' });
        else if (event.type === 'caughtUp') this.#take({ type: 'caughtUp', seq: event.seq });
        else if (event.type === 'lost') this.#take({ type: 'cutOff' });
        else if (event.type === 'message') this.#takeRow(event);
      }),
      this.#judge(),
    ]);
  }

  /** What cannot be read is counted by whoever answers from it; here it says nothing. */
  #takeRow({ seq, subject, data }: { seq: number; subject: string; data: Uint8Array }): void {
    const type = parseStateSubject(subject)?.type;
    const body = parseJson(data);
    if (type === 'host') {
      const record = hostRecordSchema.safeParse(body);
      if (record.success) this.#take({ type: 'record', seq, record: record.data });
    } else if (type === 'domain') {
      const ended = tombstoneBrief.safeParse(body);
      const row = ended.success ? ended : presenceBrief.safeParse(body);
      if (row.success) this.#take({ type: 'row', seq, row: row.data });
    }
  }

  async #judge(): Promise<void> {
    const { hands, wanted } = this.#bridge;
    while (!isAborted(this.#signal)) {
      this.#take({ type: 'wanted', hosts: wanted() });
      this.#take({ type: 'tick' });
      await hands.clock.sleep(judgePeriodMs, this.#signal).catch(() => undefined);
    }
  }

  #take(input: FleetInput): void {
    for (const effect of this.#watch?.step(input, this.#now()) ?? []) this.#bus.publish(effect);
  }

  #end(cause: string): void {
    if (this.#stop.signal.aborted) return;
    this.#ended = cause;
    this.#stop.abort();
  }

  #now(): { wallMs: number; monotonicMs: number } {
    const { clock } = this.#bridge.hands;
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  }
}
