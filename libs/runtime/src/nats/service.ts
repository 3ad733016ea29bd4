import {
  headers,
  nanos,
  nuid,
  type Msg,
  type NatsConnection,
  type Subscription,
} from '@nats-io/nats-core';
import type { Logger } from '../log.ts';

/** Requests of one service under way at a time; one more is told at once to come again. */
export const maxServiceRequests = 10_000;

/** What the members of a service share their requests by, unless an endpoint says otherwise. */
const defaultQueueGroup = 'q';

export type ServiceReply = {
  body: string | Uint8Array;
  /** What went wrong, in the headers `Nats-Service-Error-Code` and `Nats-Service-Error`. */
  error?: ServiceFault;
};

/** `code` as in HTTP. */
export type ServiceFault = { code: number; description: string };

export type ServiceEndpoint = {
  name: string;
  subject: string;
  queueGroup?: string;
  metadata?: Record<string, string>;
  /** A handler that throws is a fault of ours: the asker gets code 500. */
  handle(request: Msg): Promise<ServiceReply>;
};

export type ServiceDescription = {
  /** Letters, digits, `-` and `_`. */
  name: string;
  /** Three numbers: `1.0.0`. */
  version: string;
  description: string;
  metadata?: Record<string, string>;
  endpoints: readonly ServiceEndpoint[];
};

type Stats = {
  requests: number;
  errors: number;
  lastError: string;
  processingNs: number;
};

/**
 * A NATS service as its ADR-32 has it: the endpoints answer requests, shared in a queue group, and
 * `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS` (of all, of this name, of this id) are answered so that
 * `nats micro` and others find it. Disposing takes no more requests and waits for those under way.
 */
export class NatsService implements AsyncDisposable {
  readonly id = nuid.next();
  readonly #nc: NatsConnection;
  readonly #description: ServiceDescription;
  readonly #log: Logger;
  readonly #started = new Date().toISOString();
  readonly #stats = new Map<string, Stats>();
  readonly #subscriptions: Subscription[] = [];
  readonly #underWay = new Set<Promise<void>>();

  constructor(nc: NatsConnection, description: ServiceDescription, log: Logger) {
    if (
      !/^[A-Za-z0-9_-]+$/.test(description.name) ||
      !/^\d+\.\d+\.\d+$/.test(description.version)
    ) {
      throw new TypeError(`${description.name} ${description.version}: no name or no version`);
    }
    this.#nc = nc;
    this.#description = description;
    this.#log = log;
    for (const endpoint of description.endpoints) this.#serve(endpoint);
    this.#discoverable('PING', () => this.#answer('ping_response'));
    this.#discoverable('INFO', () => this.#info());
    this.#discoverable('STATS', () => this.#statistics());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#nc.isClosed()) return;
    await Promise.all(this.#subscriptions.splice(0).map((subscription) => subscription.drain()));
    await Promise.all(this.#underWay);
  }

  #serve(endpoint: ServiceEndpoint): void {
    const stats: Stats = { requests: 0, errors: 0, lastError: '', processingNs: 0 };
    this.#stats.set(endpoint.name, stats);
    this.#subscriptions.push(
      this.#nc.subscribe(endpoint.subject, {
        queue: endpoint.queueGroup ?? defaultQueueGroup,
        callback: (error, request) => {
          if (error) {
            this.#log.error({ err: error }, `the bus refuses ${endpoint.subject}`);
            return;
          }
          const handled = this.#handle(endpoint, request, stats);
          this.#underWay.add(handled);
          void handled.finally(() => this.#underWay.delete(handled));
        },
      }),
    );
  }

  /** Never rejects. */
  async #handle(endpoint: ServiceEndpoint, request: Msg, stats: Stats): Promise<void> {
    const startedMs = performance.now();
    const reply = await this.#replyOf(endpoint, request);
    stats.requests += 1;
    stats.processingNs += Math.round(nanos(performance.now() - startedMs));
    if (reply.error !== undefined) {
      stats.errors += 1;
      stats.lastError = `${reply.error.code}:${reply.error.description}`;
    }
    try {
      request.respond(
        reply.body,
        reply.error === undefined ? {} : { headers: faultOf(reply.error) },
      );
    } catch (error) {
      // The connection closed meanwhile, or the answer is longer than the server takes.
      this.#log.error({ err: error }, `a request on ${request.subject} goes without its answer`);
    }
  }

  async #replyOf(endpoint: ServiceEndpoint, request: Msg): Promise<ServiceReply> {
    if (this.#underWay.size >= maxServiceRequests) {
      const description = `${maxServiceRequests} requests are under way already: come again`;
      return { body: '', error: { code: 503, description } };
    }
    try {
      return await endpoint.handle(request);
    } catch (error) {
      this.#log.error({ err: error }, `the handler of ${endpoint.name} broke`);
      return { body: '', error: { code: 500, description: 'internal error, see the log' } };
    }
  }

  #discoverable(verb: string, answer: () => object): void {
    const { name } = this.#description;
    for (const subject of [
      `$SRV.${verb}`,
      `$SRV.${verb}.${name}`,
      `$SRV.${verb}.${name}.${this.id}`,
    ]) {
      this.#subscriptions.push(
        this.#nc.subscribe(subject, {
          callback: (error, request) => {
            if (error) this.#log.warn({ err: error }, `the bus refuses ${subject}`);
            else request.respond(JSON.stringify(answer()));
          },
        }),
      );
    }
  }

  #answer(type: string): object {
    const { name, version, metadata = {} } = this.#description;
    return { type: `io.nats.micro.v1.${type}`, name, id: this.id, version, metadata };
  }

  #info(): object {
    const { description, endpoints } = this.#description;
    return {
      ...this.#answer('info_response'),
      description,
      endpoints: endpoints.map(({ name, subject, queueGroup, metadata = {} }) => ({
        name,
        subject,
        queue_group: queueGroup ?? defaultQueueGroup,
        metadata,
      })),
    };
  }

  #statistics(): object {
    return {
      ...this.#answer('stats_response'),
      started: this.#started,
      endpoints: this.#description.endpoints.map(({ name, subject, queueGroup }) => {
        const stats = this.#stats.get(name);
        const { requests = 0, errors = 0, lastError = '', processingNs = 0 } = stats ?? {};
        return {
          name,
          subject,
          queue_group: queueGroup ?? defaultQueueGroup,
          num_requests: requests,
          num_errors: errors,
          last_error: lastError,
          processing_time: processingNs,
          average_processing_time: requests === 0 ? 0 : Math.round(processingNs / requests),
        };
      }),
    };
  }
}

/** Header values end at a line's end: a description of several lines becomes one. */
function faultOf({ code, description }: ServiceFault) {
  const fault = headers();
  fault.set('Nats-Service-Error-Code', String(code));
  fault.set('Nats-Service-Error', description.replaceAll(/[\r\n]+/g, ' '));
  return fault;
}
