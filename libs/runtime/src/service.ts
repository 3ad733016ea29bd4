import { hostname } from 'node:os';
import { systemClock, type Clock } from './clock.ts';
import { EnvError, readEnv, type ServiceEnv } from './env.ts';
import { Health } from './health.ts';
import { createLogger, type Logger } from './log.ts';
import { serveManagement } from './management.ts';
import { Metrics } from './metrics.ts';

/** How long a service may drain after SIGTERM before it is ended anyway. */
const drainDeadlineMs = 10_000;

/** What a service's body works with. */
export type Hands = {
  name: string;
  /** Names this process among the replicas of its role. */
  replica: string;
  env: ServiceEnv;
  log: Logger;
  metrics: Metrics;
  clock: Clock;
  health: Health;
  /** Aborts on SIGTERM and SIGINT: every wait of the service hangs on it. */
  signal: AbortSignal;
};

/**
 * Runs a service from its environment to its exit code: 0 after a drained stop, 1 when it cannot
 * start or breaks. `main` returns when it is drained after `hands.signal` aborted.
 */
export async function runService(
  name: string,
  main: (hands: Hands) => Promise<void>,
): Promise<void> {
  const replica = `${hostname()}-${process.pid}`;
  const stop = new AbortController();
  let log = createLogger(name, replica, 'info');
  try {
    const env = readEnv(process.env);
    log = createLogger(name, replica, env.logLevel);
    const metrics = new Metrics(name);
    const health = new Health();
    health.set('start', false, 'starting');
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        log.info({ signal }, 'stopping');
        stop.abort(new Error(`stopped by ${signal}`));
        setTimeout(() => {
          log.error(`not drained within ${drainDeadlineMs} ms: ending anyway`);
          process.exit(1);
        }, drainDeadlineMs).unref();
      });
    }
    await using management = await serveManagement(env.managementListen, health, metrics);
    log.info({ management: management.url }, 'starting');
    const hands = { name, replica, env, log, metrics, clock: systemClock, health };
    health.set('start', true);
    await main({ ...hands, signal: stop.signal });
  } catch (error) {
    if (!stop.signal.aborted) {
      if (error instanceof EnvError) log.fatal(`bad environment: ${error.message}`);
      else log.fatal({ err: error }, 'the service broke');
      process.exitCode = 1;
    }
  }
  // Whoever forgot to close a handle must not keep a stopped service alive.
  process.exit();
}
