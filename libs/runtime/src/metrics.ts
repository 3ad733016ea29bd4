import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export type LibvirtCall = {
  host: string;
  /** Which connection paid: `events`, `fast`, `monitor`, `caps`. */
  tier: string;
  /** Why it was made: `sync`, `event`, `audit`, `sample`, `poll`, ... */
  reason: string;
  procedure: string;
  outcome: string;
  tookMs: number;
};

/** From a millisecond to half a minute: latencies of the path libvirt, bus, view. */
export const latencyBucketsSeconds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** A service's own metrics. Names get the prefix `virtscope_`; asking twice gives the same one. */
export class Metrics {
  readonly registry = new Registry();
  readonly #calls = this.counter(
    'libvirt_calls_total',
    'Calls to libvirtd: the bill by host, tier and reason',
    ['host', 'tier', 'reason', 'procedure', 'outcome'],
  );
  readonly #callMilliseconds = this.counter(
    'libvirt_call_milliseconds_total',
    'Milliseconds that calls to libvirtd took, from sending to answer or deadline',
    ['host', 'tier', 'reason'],
  );

  constructor(service: string) {
    this.registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.registry });
  }

  /** Puts one call on the bill (L7). */
  libvirtCall(call: LibvirtCall): void {
    const { host, tier, reason, procedure, outcome, tookMs } = call;
    this.#calls.inc({ host, tier, reason, procedure, outcome });
    this.#callMilliseconds.inc({ host, tier, reason }, tookMs);
  }

  counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return this.#once(name, (full) => new Counter({ ...this.#base(full, help), labelNames }));
  }

  gauge<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return this.#once(name, (full) => new Gauge({ ...this.#base(full, help), labelNames }));
  }

  histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets: number[] = latencyBucketsSeconds,
  ): Histogram<L> {
    return this.#once(
      name,
      (full) => new Histogram({ ...this.#base(full, help), labelNames, buckets }),
    );
  }

  #base(name: string, help: string): { name: string; help: string; registers: Registry[] } {
    return { name, help, registers: [this.registry] };
  }

  #once<M>(name: string, make: (full: string) => M): M {
    const full = `virtscope_${name}`;
    return (this.registry.getSingleMetric(full) as M | undefined) ?? make(full);
  }
}
