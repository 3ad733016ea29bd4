/** The typed client of query-api. */
import {
  domainAnswerSchema,
  domainBatchSchema,
  hostAnswerSchema,
  hostDomainAnswerSchema,
  hostListSchema,
  selectedDomainListSchema,
  summarySchema,
  usageSchema,
} from '@virtscope/contracts';
import type { z } from 'zod';
import { Requests, type ClientOptions } from './requests.ts';
import { follow, type WatchEvent, type WatchOptions } from './watch.ts';

export type Asked = { minRevision?: string; signal?: AbortSignal };

export type ListAsked = Asked & {
  host?: string;
  state?: string;
  name?: string;
  uuid?: string;
  filter?: string;
  fields?: string;
  orderBy?: string;
  pageSize?: number;
  topK?: number;
  /** Seconds. */
  maxAge?: number;
};

export type DomainPage = z.infer<typeof selectedDomainListSchema>;
export type SelectedDomain = DomainPage['domains'][number];

/**
 * Questions to the fleet. All of them only read, so each is asked again (with jitter, and as the
 * server says) when no answer came; a refusal that asking again cannot change is thrown at once.
 */
export class VirtscopeClient {
  readonly #requests: Requests;

  constructor(options: ClientOptions) {
    this.#requests = new Requests(options);
  }

  /** One page; `nextPageToken` is there while there are more. */
  listPage(asked: ListAsked & { pageToken?: string } = {}): Promise<DomainPage> {
    return this.#ask('/v1/domains', asked, selectedDomainListSchema);
  }

  /**
   * Every domain of the filter, page after page. It is no snapshot: what stays in the filter all
   * the while comes exactly once.
   */
  async *domains(asked: ListAsked = {}): AsyncGenerator<SelectedDomain> {
    let pageToken: string | undefined;
    do {
      const page = await this.listPage(pageToken === undefined ? asked : { ...asked, pageToken });
      yield* page.domains;
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  /** @throws {ProblemError} `not-found` is proven; `unknown` says that nobody can know now */
  domain(uuid: string, asked: Asked = {}): Promise<z.infer<typeof domainAnswerSchema>> {
    return this.#ask(`/v1/domains/${encodeURIComponent(uuid)}`, asked, domainAnswerSchema);
  }

  domainOnHost(
    host: string,
    by: { uuid: string } | { id: number } | { name: string },
    asked: Asked = {},
  ): Promise<z.infer<typeof hostDomainAnswerSchema>> {
    const what =
      'uuid' in by
        ? by.uuid
        : 'id' in by
          ? `by-id/${by.id}`
          : `by-name/${encodeURIComponent(by.name)}`;
    const path = `/v1/hosts/${encodeURIComponent(host)}/domains/${what}`;
    return this.#ask(path, asked, hostDomainAnswerSchema);
  }

  batch(
    uuids: readonly string[],
    asked: Asked & { fields?: string } = {},
  ): Promise<z.infer<typeof domainBatchSchema>> {
    return this.#ask('/v1/domains/batch', { ...asked, uuid: uuids.join(',') }, domainBatchSchema);
  }

  hosts(asked: Asked = {}): Promise<z.infer<typeof hostListSchema>> {
    return this.#ask('/v1/hosts', asked, hostListSchema);
  }

  host(host: string, asked: Asked = {}): Promise<z.infer<typeof hostAnswerSchema>> {
    return this.#ask(`/v1/hosts/${encodeURIComponent(host)}`, asked, hostAnswerSchema);
  }

  usage(
    used:
      | { disk: string }
      | { mac: string }
      | { ip: string }
      | { name: string }
      | { hostDevice: string; host: string },
    asked: Asked = {},
  ): Promise<z.infer<typeof usageSchema>> {
    return this.#ask('/v1/usage', { ...asked, ...used }, usageSchema);
  }

  summary(
    asked: Asked & { by?: string; sum?: string; filter?: string } = {},
  ): Promise<z.infer<typeof summarySchema>> {
    return this.#ask('/v1/summary', asked, summarySchema);
  }

  watch(options: WatchOptions = {}): AsyncGenerator<WatchEvent> {
    return follow(this.#requests, options);
  }

  async #ask<S extends z.ZodType>(
    path: string,
    { signal, ...query }: { readonly [name: string]: unknown; signal?: AbortSignal },
    schema: S,
  ): Promise<z.infer<S>> {
    return schema.parse(await this.#requests.json(path, query, signal));
  }
}
