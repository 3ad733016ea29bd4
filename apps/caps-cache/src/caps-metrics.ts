import type { CapsReply, FactReply, HostId } from '@virtscope/contracts';
import type { Metrics } from '@virtscope/runtime';
import type { CallBill } from 'node-libvirt';

export type RedisOperation = 'read-pointer' | 'read-document' | 'write-document' | 'write-pointer';
export type RedisOutcome = 'hit' | 'miss' | 'written' | 'failed';

/** What caps-cache shows of itself. */
export class CapsMetrics {
  readonly #metrics: Metrics;
  readonly #answers;
  readonly #redis;
  readonly #facts;
  readonly #probes;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#answers = metrics.counter(
      'caps_answers_total',
      'Answers to questions about capabilities: where they were found, or why there was none',
      ['outcome'],
    );
    this.#redis = metrics.counter('caps_redis_operations_total', 'What Redis was asked, and said', [
      'operation',
      'outcome',
    ]);
    this.#facts = metrics.counter(
      'caps_fact_answers_total',
      'Answers to questions about what a probe tells: their standing, or why there was none',
      ['outcome'],
    );
    this.#probes = metrics.counter(
      'caps_probes_total',
      'Probes: to infer for all hosts of a kind, or to confirm for one',
      ['reason', 'outcome'],
    );
  }

  /** A question about what a probe tells was answered. */
  fact(reply: FactReply): void {
    this.#facts.inc({ outcome: reply.ok ? reply.standing : reply.code });
  }

  probe(reason: 'infer' | 'confirm', outcome: 'answered' | 'refused' | 'lost' | 'failed'): void {
    this.#probes.inc({ reason, outcome });
  }

  bill(host: HostId, { procedure, reason, outcome, tookMs }: CallBill): void {
    this.#metrics.libvirtCall({ host, tier: 'caps', reason, procedure, outcome, tookMs });
  }

  answer(reply: CapsReply): void {
    this.#answers.inc({ outcome: reply.ok ? reply.source : reply.code });
  }

  redis(operation: RedisOperation, outcome: RedisOutcome): void {
    this.#redis.inc({ operation, outcome });
  }

  /** Shows whether Redis can be used, as asked at each scrape. */
  watchRedis(isReady: () => boolean): void {
    const up = this.#metrics.gauge('caps_redis_up', '1 while Redis can be used');
    Object.assign(up, { collect: () => up.set(isReady() ? 1 : 0) });
  }
}
