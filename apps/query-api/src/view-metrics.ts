import { trustLevels, type Trust } from '@virtscope/contracts';
import type { Metrics } from '@virtscope/runtime';
import type { Moment, View } from '@virtscope/view';

/** What the view shows of itself at `/metrics`. */
export class ViewMetrics {
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  get messages() {
    return this.#metrics.counter(
      'view_messages_total',
      'Messages that came to the view, by feed and what became of them',
      ['feed', 'outcome'],
    );
  }

  get malformed() {
    return this.#metrics.counter(
      'view_malformed_total',
      'Messages that could not be read, by feed and kind of fault',
      ['feed', 'kind'],
    );
  }

  get rereads() {
    return this.#metrics.counter(
      'view_rereads_total',
      'Times that the rows of a host were read again, as they were not what was written',
      ['host'],
    );
  }

  get lag() {
    return this.#metrics.histogram(
      'view_lag_seconds',
      'From the moment the broker took a row to the moment the view had it',
    );
  }

  /** Rows and hosts as they stand. */
  snapshot(view: View, now: Moment): void {
    const { table } = view;
    this.#metrics.gauge('view_rows', 'Presences in the view').set(table.rows);
    this.#metrics
      .gauge('view_applied_sequence', 'Stream sequence up to which the view has applied')
      .set(table.appliedSeq);
    const ignored = this.#metrics.gauge(
      'view_ignored_rows',
      'Messages of the present stream that the view ignored, by reason',
      ['reason'],
    );
    for (const [reason, count] of Object.entries(table.ignored)) ignored.set({ reason }, count);
    const beats = this.#metrics.gauge(
      'view_refused_heartbeats',
      'Heartbeats of hosts that were not believed, by reason',
      ['reason'],
    );
    for (const [reason, count] of Object.entries(view.pulses.refused)) beats.set({ reason }, count);
    const counts = new Map<Trust, number>(trustLevels.map((trust) => [trust, 0]));
    for (const host of view.hosts.wanted.keys()) {
      const { trust } = view.trustOf(host, now.monotonicMs);
      counts.set(trust, (counts.get(trust) ?? 0) + 1);
    }
    const hosts = this.#metrics.gauge('view_hosts', 'Wanted hosts, by trust', ['trust']);
    for (const [trust, count] of counts) hosts.set({ trust }, count);
  }
}
