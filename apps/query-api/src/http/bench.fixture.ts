/** A server on a view that a test fills by hand. */
import { appliedKey, subjects } from '@virtscope/contracts';
import { Metrics, createLogger, type CapsAnswer, type Clock } from '@virtscope/runtime';
import { View, inventoryDigest } from '@virtscope/view';
import { beat, bytes, entry, presence, record, statsPage, subjectOf } from '../bus.fixture.ts';
import { TokenBook } from '../access/token-book.ts';
import type { TokenEntry } from '../access/token-file.ts';
import { noCaps, type CapsSource } from '../caps-book.ts';
import { Movement } from '../movement.ts';
import { Slices } from '../slices.ts';
import { buildServer, type App } from './server.ts';

/** Time stands still unless a test moves it; a sleep ends when the test lets it. */
export class HandClock implements Clock {
  nowMs = 1_000;
  readonly sleepers = new Set<() => void>();
  monotonicMs(): number {
    return this.nowMs;
  }
  wallMs(): number {
    return Date.UTC(2026, 0, 1) + this.nowMs;
  }
  async sleep(_ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.sleepers.add(resolve);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    await promise.finally(() => this.sleepers.delete(resolve));
  }
}

export class Bench {
  readonly view = new View();
  readonly clock = new HandClock();
  readonly movement = new Movement(this.clock);
  readonly metrics = new Metrics('query-api');
  readonly app: App;
  caps: CapsAnswer = { kind: 'unavailable', reason: 'no caps-cache listens on the bus' };
  /** What the bus keeps. */
  xml: (hash: string) => Promise<string | undefined> = () => Promise.resolve(undefined);
  seq = 0;
  readonly capsSource: CapsSource = {
    ...noCaps('nobody listens'),
    capabilities: () => Promise.resolve(this.caps),
  };

  readonly tokens: TokenBook | undefined;

  /** @param tokens who may ask; without them everybody */
  constructor(
    tokens?: readonly TokenEntry[],
    { loopbackNamesOnly = false }: { loopbackNamesOnly?: boolean } = {},
  ) {
    this.tokens = tokens && new TokenBook(this.view, this.clock);
    this.tokens?.replace(tokens ?? []);
    this.app = buildServer({
      view: this.view,
      clock: this.clock,
      movement: this.movement,
      slices: new Slices(this.clock),
      metrics: this.metrics,
      log: createLogger('test', 'test', 'silent'),
      signal: new AbortController().signal,
      caps: this.capsSource,
      tokens: this.tokens,
      loopbackNamesOnly,
      events: () => Promise.resolve(undefined),
      xml: (hash) => this.xml(hash),
    });
  }

  /** hv1 is live with one domain, hv2 was never seen. */
  static filled(): Bench {
    const bench = new Bench();
    const { view } = bench;
    view.connection(true);
    view.stateOpened({ createdMs: 1_000, timeline: 0 }, 'being filled');
    bench.state(presence('hv1', 1), record('hv1'));
    view.stateCaughtUp(2, 0);
    view.hostsOpened();
    const entries = [entry('hv1'), entry('hv2')];
    for (const [i, each] of entries.entries()) {
      view.hostsMessage({ seq: i + 1, subject: each.id, key: each.id, data: bytes(each) }, 0);
    }
    const mark = { v: 1, source: 'file', count: 2, digest: inventoryDigest(entries) };
    const key = appliedKey('file');
    view.hostsMessage({ seq: 3, subject: key, key, data: bytes(mark) }, 0);
    view.hostsCaughtUp(0);
    view.statsOpened();
    view.statsBrokerTime(0, 0);
    view.statsMessage(subjects.stats('hv1', 'fast', 0), bytes(statsPage('hv1')), 900, 900);
    bench.beat();
    return bench;
  }

  state(...bodies: Parameters<typeof subjectOf>[0][]): void {
    for (const body of bodies) {
      this.view.stateMessage(++this.seq, subjectOf(body), bytes(body), 0);
    }
  }

  beat(more: Parameters<typeof beat>[0] = { hv1: { upTo: 2 } }): void {
    const { nowMs } = this.clock;
    this.view.roundTripEnded({ startedMs: nowMs, endedMs: nowMs });
    this.view.heartbeat('virt.v1.heartbeat.event-bridge.one', bytes(beat(more)));
  }

  async get(
    url: string,
  ): Promise<{ status: number; body: unknown; type: string; retryAfter: unknown }> {
    const { statusCode, headers, body } = await this.app.inject({ method: 'GET', url });
    return {
      status: statusCode,
      body: JSON.parse(body) as unknown,
      type: String(headers['content-type']),
      retryAfter: headers['retry-after'],
    };
  }
}
