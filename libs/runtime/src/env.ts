import { z } from 'zod';

const listen = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, 'must be HOST:PORT, such as 127.0.0.1:8080')
  .transform((text) => {
    const colon = text.lastIndexOf(':');
    return {
      host: text.slice(0, colon).replace(/^\[|\]$/g, ''),
      port: Number(text.slice(colon + 1)),
    };
  })
  .refine(({ port }) => port <= 65_535, 'the port is above 65535');

export type Listen = z.infer<typeof listen>;

/** What every service is told by its environment: variable, shape, default. */
const variables = {
  VIRTSCOPE_FLEET: z.string().min(1).default('fleet.yaml'),
  VIRTSCOPE_NATS_URL: z
    .string()
    .regex(/^(?:nats|tls):\/\//, 'must be a URL such as nats://127.0.0.1:4222')
    .default('nats://127.0.0.1:4222'),
  VIRTSCOPE_REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\//, 'must be a URL such as redis://127.0.0.1:6379')
    .default('redis://127.0.0.1:6379'),
  /** In PEM: who signed Redis' certificate, where the machine's own authorities did not. */
  VIRTSCOPE_REDIS_CA: z.string().optional(),
  VIRTSCOPE_REDIS_KEY_PREFIX: z.string().max(256).default(''),
  VIRTSCOPE_HTTP_LISTEN: listen.prefault('127.0.0.1:8080'),
  VIRTSCOPE_MANAGEMENT_LISTEN: listen.prefault('127.0.0.1:0'),
  VIRTSCOPE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
} as const;

export type ServiceEnv = {
  fleetFile: string;
  natsUrl: string;
  redisUrl: string;
  redisCaFile: string | undefined;
  /** Before every key: several installations share a Redis. */
  redisKeyPrefix: string;
  httpListen: Listen;
  /** Port 0 takes any free port: the log says which. */
  managementListen: Listen;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
};

/** A value of the environment that no service can start with. */
export class EnvError extends Error {
  override readonly name = 'EnvError';
}

/** @throws {EnvError} naming every bad variable and why */
export function readEnv(env: Record<string, string | undefined>): ServiceEnv {
  const parsed = parseVariables(env, variables);
  return {
    fleetFile: parsed.VIRTSCOPE_FLEET,
    natsUrl: parsed.VIRTSCOPE_NATS_URL,
    redisUrl: parsed.VIRTSCOPE_REDIS_URL,
    redisCaFile: parsed.VIRTSCOPE_REDIS_CA,
    redisKeyPrefix: parsed.VIRTSCOPE_REDIS_KEY_PREFIX,
    httpListen: parsed.VIRTSCOPE_HTTP_LISTEN,
    managementListen: parsed.VIRTSCOPE_MANAGEMENT_LISTEN,
    logLevel: parsed.VIRTSCOPE_LOG_LEVEL,
  };
}

/**
 * A service's own variables beside the common ones. An empty variable counts as absent, as
 * container manifests often set one that way.
 *
 * @throws {EnvError} naming every bad variable and why
 */
export function parseVariables<Shape extends Record<string, z.ZodType>>(
  env: Record<string, string | undefined>,
  shape: Shape,
): { [Name in keyof Shape]: z.output<Shape[Name]> } {
  const given = Object.fromEntries(
    Object.keys(shape)
      .filter((name) => env[name] !== undefined && env[name] !== '')
      .map((name) => [name, env[name]]),
  );
  const result = z.object(shape).safeParse(given);
  if (!result.success) {
    const reasons = result.error.issues.map(
      (issue) => `${issue.path.join('.')}=${env[String(issue.path[0])] ?? ''}: ${issue.message}`,
    );
    throw new EnvError(reasons.join('; '));
  }
  return result.data as { [Name in keyof Shape]: z.output<Shape[Name]> };
}
