/** One question over HTTP: again when it makes sense, with deadlines, and errors that say more. */
import { problemSchema } from '@virtscope/contracts';
import { ProblemError, UnreachableError } from './errors.ts';

export type ClientOptions = {
  /** Such as `http://127.0.0.1:8080`. */
  url: string;
  token?: string;
  /** How often a question is asked again before it fails; default 4. */
  retries?: number;
  /** How long one try may take; default 30 s. */
  timeoutMs?: number;
  fetch?: typeof globalThis.fetch;
  /** Waits; a test's own stands still. */
  sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  random?: () => number;
};

const firstRetryMs = 250;
const longestRetryMs = 10_000;
const retriedStatuses = new Set([429, 502, 503, 504]);

/** Refusals that the same question meets again: only another question helps. */
const finalTypes = new Set(['urn:virtscope:problem:unknown', 'urn:virtscope:problem:too-old']);

export class Requests {
  readonly #options: ClientOptions;
  readonly #url: string;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#url = options.url.replace(/\/+$/, '');
  }

  async json(path: string, query: Query, signal?: AbortSignal): Promise<unknown> {
    const { timeoutMs = 30_000 } = this.#options;
    return await this.#retried(signal, async () => {
      const deadline = AbortSignal.timeout(timeoutMs);
      const within = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
      const response = await this.open(path, query, {}, within);
      return (await response.json()) as unknown;
    });
  }

  /** @throws {ProblemError} refused; whatever `fetch` throws */
  async open(
    path: string,
    query: Query,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const { token, fetch = globalThis.fetch } = this.#options;
    const search = new URLSearchParams(
      Object.entries(query).flatMap(([name, value]): [string, string][] =>
        typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [],
      ),
    ).toString();
    const response = await fetch(`${this.#url}${path}${search === '' ? '' : `?${search}`}`, {
      headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.ok) return response;
    const text = await response.text();
    const problem = problemSchema.safeParse(parse(text));
    if (problem.success) throw Object.assign(new ProblemError(problem.data), { cause: response });
    throw new HttpStatusError(response);
  }

  /** Waits before another try: full jitter, or as long as the server says. */
  async pause(attempt: number, error: unknown, signal: AbortSignal | undefined): Promise<void> {
    const { random = Math.random, sleep = pauseFor } = this.#options;
    const ceilingMs = Math.min(longestRetryMs, firstRetryMs * 2 ** attempt);
    await sleep(Math.max(retryAfterMs(error), random() * ceilingMs), signal);
  }

  async #retried<T>(signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    const { retries = 4 } = this.#options;
    for (let tried = 0; ; tried++) {
      try {
        return await attempt();
      } catch (error) {
        signal?.throwIfAborted();
        if (!isRetried(error)) throw error;
        if (tried >= retries) {
          if (error instanceof ProblemError) throw error;
          const message = `${this.#url}: no answer in ${tried + 1} tries`;
          throw new UnreachableError(message, { cause: error });
        }
        await this.pause(tried, error, signal);
      }
    }
  }
}

/** Only texts and numbers are sent. */
export type Query = { readonly [name: string]: unknown };

/** An error that is no answer of this API: of something in between. */
class HttpStatusError extends Error {
  readonly status: number;
  readonly retryAfter: string | null;

  constructor(response: Response) {
    super(`HTTP ${response.status} without problem details`);
    this.status = response.status;
    this.retryAfter = response.headers.get('retry-after');
  }
}

/** Every question only reads: it may be asked again whatever became of it. */
export function isRetried(error: unknown): boolean {
  if (error instanceof ProblemError) {
    const { type, status } = error.problem;
    return retriedStatuses.has(status) && !finalTypes.has(type);
  }
  return error instanceof HttpStatusError ? retriedStatuses.has(error.status) : true;
}

function retryAfterMs(error: unknown): number {
  const cause = error instanceof ProblemError ? error.cause : undefined;
  const text =
    cause instanceof Response
      ? cause.headers.get('retry-after')
      : error instanceof HttpStatusError
        ? error.retryAfter
        : null;
  const seconds = Number(text ?? 0);
  return Number.isFinite(seconds) ? Math.min(seconds * 1_000, longestRetryMs) : 0;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener(
    'abort',
    () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    },
    { once: true },
  );
  return promise;
}
