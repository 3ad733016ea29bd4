import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import type { ServiceEnv } from './env.ts';
import type { Logger } from './log.ts';
import type { Hands } from './service.ts';

/** A cache that is slower than this is no help. */
const commandDeadlineMs = 1_000;

/** A server that says nothing for this long, though asked, is given up and connected to anew. */
const silenceMs = 5_000;

const connectDeadlineMs = 5_000;
const maxReconnectMs = 2_000;

/** Commands without an answer yet; one more fails at once. */
export const maxRedisCommands = 10_000;

const prolongScript = `if redis.call('get', KEYS[1]) == ARGV[1] then
  return redis.call('pexpire', KEYS[1], ARGV[2])
end
return 0`;

const settleScript = `if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[2], ARGV[2], 'EX', ARGV[3])
redis.call('del', KEYS[1])
return 1`;

export type RedisEnv = Pick<ServiceEnv, 'redisUrl'> &
  Partial<Pick<ServiceEnv, 'redisCaFile' | 'redisKeyPrefix'>>;

/** The cache cannot be used now: away, too slow, full, read-only. Its user goes on without it. */
export class RedisError extends Error {
  override readonly name = 'RedisError';
}

/**
 * The service's one connection to Redis, as a cache: texts under keys, each with a lifetime. It
 * connects in the background, for ever. While Redis is away every command fails at once: nothing
 * is queued for its return.
 */
export class RedisCache implements AsyncDisposable {
  readonly #redis: Redis;
  readonly #address: string;
  readonly #log: Logger;
  readonly #onReady: (() => void)[] = [];
  #pending = 0;
  #isAway = false;

  /** @throws the file of the certificate authority cannot be read */
  constructor({ name, env, log }: Pick<Hands, 'name' | 'log'> & { env: RedisEnv }) {
    const { redisCaFile, redisKeyPrefix = '' } = env;
    const { hostname, port } = new URL(env.redisUrl);
    this.#address = `${hostname}:${port === '' ? '6379' : port}`; // never the password
    this.#log = log;
    this.#redis = new Redis(env.redisUrl, {
      keyPrefix: redisKeyPrefix,
      ...(redisCaFile === undefined ? {} : { tls: { ca: readFileSync(redisCaFile) } }),
      connectionName: `virtscope-${name}`,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: commandDeadlineMs,
      socketTimeout: silenceMs,
      connectTimeout: connectDeadlineMs,
      retryStrategy: (attempt) => Math.min(100 * attempt, maxReconnectMs),
    });
    // An error event without a listener would end the process.
    this.#redis.on('error', (error: Error) => this.#away(error));
    this.#redis.on('close', () => this.#away(undefined));
    this.#redis.on('ready', () => this.#ready());
  }

  get isReady(): boolean {
    return this.#redis.status === 'ready';
  }

  /** Calls `listener` whenever Redis can be used (again); what it remembers is unknown then. */
  onReady(listener: () => void): void {
    this.#onReady.push(listener);
  }

  /** @throws {RedisError} */
  async get(key: string): Promise<string | undefined> {
    return (await this.#command(`GET ${key}`, () => this.#redis.get(key))) ?? undefined;
  }

  /** @throws {RedisError} */
  async has(key: string): Promise<boolean> {
    return (await this.#command(`EXISTS ${key}`, () => this.#redis.exists(key))) > 0;
  }

  /** @throws {RedisError} */
  async set(key: string, text: string, ttlSeconds: number): Promise<void> {
    await this.#command(`SET ${key}`, () => this.#redis.set(key, text, 'EX', ttlSeconds));
  }

  /**
   * Writes a text that nobody has written. @returns whether it was this one's to write
   * @throws {RedisError}
   */
  async setIfAbsent(key: string, text: string, ttlMs: number): Promise<boolean> {
    const send = () => this.#redis.set(key, text, 'PX', ttlMs, 'NX');
    return (await this.#command(`SET ${key} NX`, send)) === 'OK';
  }

  /**
   * Puts a text before the others under a key, of which it keeps the newest.
   * @throws {RedisError}
   */
  async push(key: string, text: string, most: number, ttlSeconds: number): Promise<void> {
    await this.#command(`LPUSH ${key}`, () =>
      this.#redis
        .multi()
        .lpush(key, text)
        .ltrim(key, 0, most - 1)
        .expire(key, ttlSeconds)
        .exec(),
    );
  }

  /**
   * The texts that were pushed, the newest first.
   * @throws {RedisError}
   */
  list(key: string): Promise<string[]> {
    return this.#command(`LRANGE ${key}`, () => this.#redis.lrange(key, 0, -1));
  }

  /**
   * Prolongs a key that still holds this very text: a claim, by whoever made it.
   * @returns whether it did
   * @throws {RedisError}
   */
  async prolong(key: string, text: string, ttlMs: number): Promise<boolean> {
    const send = () => this.#redis.eval(prolongScript, 1, key, text, ttlMs);
    return (await this.#command(`prolong ${key}`, send)) === 1;
  }

  /**
   * Writes a text while a claim still holds its maker's token, and ends the claim. Both keys need one
   * hash tag.
   * @returns whether it was written
   * @throws {RedisError}
   */
  async settle(
    claim: { key: string; token: string },
    { key, text, ttlSeconds }: { key: string; text: string; ttlSeconds: number },
  ): Promise<boolean> {
    const send = () =>
      this.#redis.eval(settleScript, 2, claim.key, key, claim.token, text, ttlSeconds);
    return (await this.#command(`settle ${key}`, send)) === 1;
  }

  /** Nothing waits for an answer: what is under way fails. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#redis.disconnect();
    return Promise.resolve();
  }

  async #command<T>(what: string, send: () => Promise<T>): Promise<T> {
    if (this.#pending >= maxRedisCommands) {
      throw new RedisError(
        `Redis at ${this.#address}: ${what}: ${maxRedisCommands} commands wait already`,
      );
    }
    this.#pending += 1;
    try {
      return await send();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new RedisError(`Redis at ${this.#address}: ${what}: ${reason}`, { cause: error });
    } finally {
      this.#pending -= 1;
    }
  }

  #ready(): void {
    this.#isAway = false;
    this.#log.info({ redis: this.#address }, 'connected to Redis');
    for (const listener of this.#onReady) listener();
  }

  /** Said once per outage, with the first reason that is known. */
  #away(error: Error | undefined): void {
    if (this.#isAway || (error === undefined && this.#redis.status === 'end')) return;
    this.#isAway = true;
    this.#log.warn({ redis: this.#address, err: error }, 'Redis is away; reconnecting');
  }
}
