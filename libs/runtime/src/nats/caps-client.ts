import {
  NoRespondersError,
  RequestError,
  TimeoutError,
  type NatsConnection,
} from '@nats-io/nats-core';
import {
  capsHistoryReplySchema,
  capsIndexSchema,
  capsReplySchema,
  commonCpuReplySchema,
  factReplySchema,
  subjects,
  type CapsHistoryReply,
  type CapsIndex,
  type CapsReply,
  type CommonCpuReply,
  type FactQuestion,
  type FactReply,
  type HostId,
} from '@virtscope/contracts';
import type { z } from 'zod';
import { parseJson } from '../json.ts';

export type CapsClientAnswer<Reply> =
  | { kind: 'reply'; reply: Reply }
  /** Nobody answered in time, or not in our words. */
  | { kind: 'unavailable'; reason: string };
export type CapsAnswer = CapsClientAnswer<CapsReply>;

/** Replicas that have nothing more to say are not waited for longer than this. */
const indexStallMs = 150;
const indexTimeoutMs = 1_000;

/** Asks caps-cache. Nothing here rejects. */
export class CapsClient {
  readonly #nc: NatsConnection;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  capabilities(host: HostId, timeoutMs: number): Promise<CapsAnswer> {
    return this.#ask(subjects.capsOfHost(host), undefined, capsReplySchema, timeoutMs);
  }

  fact(
    host: HostId,
    question: FactQuestion,
    timeoutMs: number,
  ): Promise<CapsClientAnswer<FactReply>> {
    return this.#ask(subjects.factOfHost(host), question, factReplySchema, timeoutMs);
  }

  history(host: HostId, timeoutMs: number): Promise<CapsClientAnswer<CapsHistoryReply>> {
    return this.#ask(subjects.historyOfHost(host), undefined, capsHistoryReplySchema, timeoutMs);
  }

  commonCpu(
    hosts: readonly HostId[],
    timeoutMs: number,
  ): Promise<CapsClientAnswer<CommonCpuReply>> {
    return this.#ask(subjects.commonCpu, { hosts }, commonCpuReplySchema, timeoutMs);
  }

  /** What all replicas know of their hosts now; none when nobody answers. */
  async index(): Promise<CapsIndex['hosts']> {
    const hosts: CapsIndex['hosts'] = [];
    try {
      const messages = await this.#nc.requestMany(subjects.capsIndex, '', {
        strategy: 'stall',
        stall: indexStallMs,
        maxWait: indexTimeoutMs,
      });
      for await (const message of messages) {
        const index = capsIndexSchema.safeParse(parseJson(message.data));
        if (index.success) hosts.push(...index.data.hosts);
      }
    } catch {
      // Whoever asks for a host then asks for it by itself, and is told what is wrong.
    }
    return hosts;
  }

  async #ask<Reply>(
    subject: string,
    body: object | undefined,
    schema: z.ZodType<Reply>,
    timeoutMs: number,
  ): Promise<CapsClientAnswer<Reply>> {
    let answered: unknown;
    try {
      const payload = body === undefined ? '' : JSON.stringify(body);
      const message = await this.#nc.request(subject, payload, { timeout: timeoutMs });
      answered = message.json<unknown>();
    } catch (error) {
      return { kind: 'unavailable', reason: reasonOf(error, timeoutMs) };
    }
    const reply = schema.safeParse(answered);
    if (reply.success) return { kind: 'reply', reply: reply.data };
    const issue = reply.error.issues[0];
    const where = issue?.path.map(String).join('.') ?? '';
    return {
      kind: 'unavailable',
      reason: `the reply on ${subject} is malformed at ${where === '' ? 'its root' : where}: ${issue?.message}`,
    };
  }
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (
    error instanceof NoRespondersError ||
    (error instanceof RequestError && error.isNoResponders())
  ) {
    return 'no caps-cache listens on the bus';
  }
  if (error instanceof TimeoutError) return `caps-cache did not answer within ${timeoutMs} ms`;
  return error instanceof Error ? error.message : String(error);
}
