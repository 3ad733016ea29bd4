/** The shell of watches: connections, their buffers, and the second's tick. */
import type { Clock, Logger } from '@virtscope/runtime';
import {
  WatchHub,
  mark,
  type View,
  type Watcher,
  type WatchLimits,
  type WatchQuestion,
} from '@virtscope/view';
import type { ServerResponse } from 'node:http';
import type { Slices } from './slices.ts';

/** A connection with more than this unsent is slow: it is told the rest when it has read. */
export const slowBytes = 1024 * 1024;

/** A connection with more than this unsent is cut off. */
export const maxUnsentBytes = 32 * 1024 * 1024;

/** A slow connection that reads nothing for so long is cut off. */
export const stalledMs = 30_000;

/** How long a connection that is being cut off may take to read why. */
const farewellMs = 5_000;

const tickMs = 1_000;

export type WatchingLimits = { perCaller: number };
export const defaultWatchingLimits: WatchingLimits = { perCaller: 1_000 };

export type WatchingHands = {
  view: View;
  clock: Clock;
  slices: Slices;
  log: Logger;
  signal: AbortSignal;
  watchLimits?: WatchLimits;
  callerLimits?: WatchingLimits;
};

export class Watching {
  readonly hub: WatchHub;
  readonly #hands: WatchingHands;
  readonly #connections = new Set<Connection>();
  readonly #callers = new Map<string, number>();
  readonly #dirty = new Set<Connection>();
  #ticks = false;

  constructor(hands: WatchingHands) {
    this.#hands = hands;
    const { clock, view, watchLimits } = hands;
    const now = (): { monotonicMs: number; wallMs: number } => ({
      monotonicMs: clock.monotonicMs(),
      wallMs: clock.wallMs(),
    });
    this.hub = new WatchHub(view, now, watchLimits);
  }

  /**
   * Makes the response a watch and tells it what there is.
   *
   * @returns why the caller may not watch now, or nothing when the response has been taken over
   */
  open(
    question: WatchQuestion,
    {
      caller,
      until,
      resume,
      take,
    }: {
      caller: string;
      /** Ends it: the caller may not ask any more. */
      until?: AbortSignal | undefined;
      resume: number | undefined;
      take: () => ServerResponse;
    },
  ): string | undefined {
    const { perCaller } = this.#hands.callerLimits ?? defaultWatchingLimits;
    const open = this.#callers.get(caller) ?? 0;
    if (open >= perCaller) return `${perCaller} watches of this caller are open already`;
    const connection = new Connection(this.#hands.clock, (each) => this.#flushSoon(each));
    const watcher = this.hub.join(question, connection);
    if (typeof watcher === 'string') return watcher;
    this.#callers.set(caller, open + 1);
    this.#connections.add(connection);
    const response = take();
    connection.start(watcher, response);
    const onEnd = (): void => {
      const reason = until?.reason instanceof Error ? until.reason.message : 'access ended';
      connection.cutOff(reason, '');
    };
    until?.addEventListener('abort', onEnd, { once: true });
    response.on('close', () => {
      until?.removeEventListener('abort', onEnd);
      connection.over = true;
      this.hub.leave(watcher);
      this.#connections.delete(connection);
      const left = (this.#callers.get(caller) ?? 1) - 1;
      if (left === 0) this.#callers.delete(caller);
      else this.#callers.set(caller, left);
    });
    response.on('drain', () => this.#catchUp(connection));
    void this.#tell(connection, watcher, resume);
    if (!this.#ticks) void this.#tick();
    return undefined;
  }

  async #tell(connection: Connection, watcher: Watcher, resume: number | undefined): Promise<void> {
    await this.#pace(connection, this.hub.tell(watcher, resume));
    this.#catchUp(connection);
  }

  #catchUp(connection: Connection): void {
    const { watcher } = connection;
    if (watcher?.phase.is !== 'behind' || connection.telling || connection.isSlow) return;
    void this.#pace(connection, this.hub.catchUp(watcher));
  }

  /** Tells in slices, and no faster than the connection takes it. */
  async #pace(connection: Connection, telling: ReturnType<WatchHub['catchUp']>): Promise<void> {
    const { slices, signal, log } = this.#hands;
    connection.telling = true;
    try {
      for (let step = telling.next(); step.done !== true; step = telling.next()) {
        await slices.next(signal);
        connection.flush();
        while (connection.isSlow && !connection.over) await connection.drained(signal);
        if (connection.over) return;
      }
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, 'a watch broke');
      connection.cutOff('the watch broke: watch anew', this.#hands.view.revision);
    } finally {
      connection.telling = false;
    }
  }

  /** Frames of one burst of changes go out as one write. */
  #flushSoon(connection: Connection): void {
    if (this.#dirty.size === 0) {
      setImmediate(() => {
        for (const each of this.#dirty) each.flush();
        this.#dirty.clear();
      });
    }
    this.#dirty.add(connection);
  }

  /** Runs while anybody watches. */
  async #tick(): Promise<void> {
    const { clock, slices, signal, log } = this.#hands;
    this.#ticks = true;
    try {
      while (this.#connections.size > 0 && !signal.aborted) {
        await clock.sleep(tickMs, signal);
        await slices.run(this.hub.tick(), signal);
        for (const connection of this.#connections) {
          if (connection.stalledForMs > stalledMs) {
            connection.cutOff(
              `nothing was read for ${stalledMs / 1000} s: resume by the last id`,
              this.#hands.view.revision,
            );
          }
          this.#catchUp(connection);
        }
      }
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, 'the tick of watches broke');
    } finally {
      this.#ticks = false;
      if (signal.aborted) {
        for (const each of this.#connections) {
          each.cutOff('this replica stops: resume at another', this.#hands.view.revision);
        }
      }
    }
  }
}

/** One watcher's response: what waits to be written, and how far its reader is behind. */
class Connection {
  readonly #clock: Clock;
  readonly #written: (connection: Connection) => void;
  #response: ServerResponse | undefined;
  #unwritten = '';
  #slowSinceMs: number | undefined;
  watcher: Watcher | undefined;
  telling = false;
  over = false;

  constructor(clock: Clock, written: (connection: Connection) => void) {
    this.#clock = clock;
    this.#written = written;
  }

  start(watcher: Watcher, response: ServerResponse): void {
    this.watcher = watcher;
    this.#response = response;
  }

  push = (text: string): boolean => {
    if (this.over) return true;
    if (this.#unwritten === '') this.#written(this);
    this.#unwritten += text;
    if (this.#unsent > maxUnsentBytes) this.cutOff('too much is unread: watch anew', '');
    return !this.isSlow;
  };

  get isSlow(): boolean {
    return this.#unsent > slowBytes;
  }

  get stalledForMs(): number {
    if ((this.#response?.writableLength ?? 0) <= slowBytes) this.#slowSinceMs = undefined;
    else this.#slowSinceMs ??= this.#clock.monotonicMs();
    return this.#slowSinceMs === undefined ? 0 : this.#clock.monotonicMs() - this.#slowSinceMs;
  }

  flush(): void {
    if (this.#unwritten === '' || this.over) return;
    this.#response?.write(this.#unwritten);
    this.#unwritten = '';
  }

  /** Until its reader has read. */
  async drained(signal: AbortSignal): Promise<void> {
    const response = this.#response;
    if (response === undefined || !response.writableNeedDrain) {
      await this.#clock.sleep(tickMs / 10, signal);
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    response.once('drain', resolve).once('close', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    response.off('drain', resolve).off('close', resolve);
  }

  /** The last frame says why; a reader that does not come for it loses the connection. */
  cutOff(detail: string, revision: string): void {
    if (this.over) return;
    this.flush();
    this.over = true;
    const response = this.#response;
    if (response === undefined) return;
    response.end(mark('gone', revision, detail));
    setTimeout(() => response.destroy(), farewellMs).unref();
  }

  get #unsent(): number {
    return this.#unwritten.length + (this.#response?.writableLength ?? 0);
  }
}
