/**
 * The last quarter of an hour of each domain's main rates, in rings of fixed size. Only what came
 * while this replica listened: a new one begins empty, and says since when it records.
 */
import type { DomainUuid, HostId, RateName, StatsPage } from '@virtscope/contracts';

/** What is recorded, in this order. */
export const historyRates = [
  'cpuPercent',
  'memoryUsedKiB',
  'diskReadBytesPerS',
  'diskWriteBytesPerS',
  'diskReadIops',
  'diskWriteIops',
  'netRxBytesPerS',
  'netTxBytesPerS',
] as const satisfies readonly RateName[];

/** One point for so long; of two samples within, the newer counts. */
export const historyStepMs = 10_000;
export const historyPoints = 90;

/** Memory that rings may take, if nobody says otherwise: room for some 23,000 domains. */
export const defaultHistoryBudgetMiB = 64;

const width = historyRates.length;
/** Bytes of one domain's ring. */
export const historyBytesPerDomain = historyPoints * width * Float32Array.BYTES_PER_ELEMENT;

/** Rings that are allotted together. */
const slabRings = 256;

type Ring = {
  readonly host: HostId;
  readonly uuid: DomainUuid;
  readonly values: Float32Array;
  /** Number of the newest point; those before it are at their number modulo the ring's length. */
  newest: number;
};

export type HistoryOptions = { budgetMiB?: number };

export type HistorySeries = {
  /** The first point's beginning, on the reader's monotonic clock. */
  fromMs: number;
  rates: Record<string, (number | null)[]>;
};

export class StatsHistory {
  readonly maxRings: number;
  /** Samples of domains for which no ring was left. */
  refused = 0;
  /** In the order of their last points: the first is the one that was silent for longest. */
  readonly #rings = new Map<string, Ring>();
  readonly #free: Float32Array[] = [];
  #allotted = 0;

  constructor({ budgetMiB = defaultHistoryBudgetMiB }: HistoryOptions = {}) {
    this.maxRings = Math.floor((budgetMiB * 2 ** 20) / historyBytesPerDomain);
  }

  get rings(): number {
    return this.#rings.size;
  }

  /** @param observedMs when the page's call began, on the reader's monotonic clock */
  record(page: StatsPage, observedMs: number): void {
    const { rates } = page;
    if (rates === undefined) return;
    const columns = historyRates.map((name) => rates[name]);
    if (columns.every((column) => column === undefined)) return;
    const point = Math.floor(observedMs / historyStepMs);
    for (const [row, uuid] of page.uuids.entries()) {
      const ring = this.#ringOf(page.host, uuid, point);
      if (ring === undefined) {
        this.refused += 1;
        continue;
      }
      if (point <= ring.newest - historyPoints) continue;
      const at = placeOf(point);
      for (const [n, column] of columns.entries()) {
        const value = column?.[row];
        if (value !== null && value !== undefined) ring.values[at + n] = value;
      }
    }
  }

  /** What is known of the points up to now; undefined when nothing was recorded. */
  seriesOf(host: HostId, uuid: DomainUuid, nowMs: number): HistorySeries | undefined {
    const ring = this.#rings.get(keyOf(host, uuid));
    const last = Math.floor(nowMs / historyStepMs);
    if (ring === undefined || ring.newest <= last - historyPoints) return undefined;
    const first = last - historyPoints + 1;
    const rates: HistorySeries['rates'] = {};
    for (const [n, name] of historyRates.entries()) {
      const series: (number | null)[] = [];
      for (let point = first; point <= last; point++) {
        const held = point <= ring.newest && point > ring.newest - historyPoints;
        const value = held ? (ring.values[placeOf(point) + n] ?? Number.NaN) : Number.NaN;
        series.push(Number.isNaN(value) ? null : Number(value.toPrecision(6)));
      }
      rates[name] = series;
    }
    return { fromMs: first * historyStepMs, rates };
  }

  /** Lets go of rings whose points have all passed. */
  forgetExpired(nowMs: number): void {
    const oldest = Math.floor(nowMs / historyStepMs) - historyPoints;
    for (const [key, ring] of this.#rings) if (ring.newest <= oldest) this.#release(key, ring);
  }

  #ringOf(host: HostId, uuid: DomainUuid, point: number): Ring | undefined {
    const key = keyOf(host, uuid);
    let ring = this.#rings.get(key);
    if (ring === undefined) {
      const values = this.#allot(point);
      if (values === undefined) return undefined;
      ring = { host, uuid, values: values.fill(Number.NaN), newest: point };
      this.#rings.set(key, ring);
      return ring;
    }
    if (point > ring.newest) {
      const gap = Math.min(point - ring.newest, historyPoints);
      for (let missed = point - gap + 1; missed <= point; missed++) {
        const at = placeOf(missed);
        ring.values.fill(Number.NaN, at, at + width);
      }
      ring.newest = point;
      this.#rings.delete(key);
      this.#rings.set(key, ring);
    }
    return ring;
  }

  /** @returns undefined at the budget, unless a ring has gone silent for its whole length */
  #allot(point: number): Float32Array | undefined {
    if (this.#free.length === 0 && this.#allotted < this.maxRings) {
      const count = Math.min(slabRings, this.maxRings - this.#allotted);
      const slab = new Float32Array(count * historyPoints * width);
      for (let n = 0; n < count; n++) {
        this.#free.push(slab.subarray(n * historyPoints * width, (n + 1) * historyPoints * width));
      }
      this.#allotted += count;
    }
    if (this.#free.length === 0) {
      const [silent] = this.#rings;
      if (silent !== undefined && silent[1].newest <= point - historyPoints) {
        this.#release(...silent);
      }
    }
    return this.#free.pop();
  }

  #release(key: string, ring: Ring): void {
    this.#rings.delete(key);
    this.#free.push(ring.values);
  }
}

const keyOf = (host: HostId, uuid: DomainUuid): string => `${host} ${uuid}`;

const placeOf = (point: number): number =>
  (((point % historyPoints) + historyPoints) % historyPoints) * width;
