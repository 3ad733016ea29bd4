import type { HostId, StatsTier } from '@virtscope/contracts';
import type { Metrics } from '@virtscope/runtime';
import type { Incident, SamplerTier } from '@virtscope/stats';
import type { CallBill } from 'node-libvirt';
import type { PageFate } from './page-publisher.ts';

/** What this service tells about itself beyond the common bill. */
export class SamplerMetrics {
  readonly #metrics: Metrics;
  readonly #incidents;
  readonly #lag;
  readonly #pages;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#incidents = metrics.counter(
      'stats_incidents_total',
      'Skipped turns, missed deadlines, late, unasked, stale and failed answers, dropped groups, unknown fields',
      ['host', 'tier', 'incident'],
    );
    this.#lag = metrics.histogram(
      'stats_publish_lag_seconds',
      "From a stats call's beginning to the publication of its answer",
      ['tier'],
    );
    this.#pages = metrics.counter(
      'stats_pages_total',
      'Pages that the broker has, that were dropped as it did not take them, or lost on the way',
      ['fate'],
    );
  }

  bill(host: HostId, tier: SamplerTier, { procedure, reason, outcome, tookMs }: CallBill): void {
    this.#metrics.libvirtCall({ host, tier, reason, procedure, outcome, tookMs });
  }

  incident(host: HostId, tier: StatsTier, incident: Incident, by: number): void {
    this.#incidents.inc({ host, tier, incident }, by);
  }

  lag(tier: string, lagMs: number): void {
    this.#lag.observe({ tier }, lagMs / 1_000);
  }

  pages(fate: PageFate, count: number): void {
    this.#pages.inc({ fate }, count);
  }
}
