import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Hands } from '../service.ts';

/**
 * The service's one connection to the bus. It waits for the first connect and never gives up
 * later; the health check `nats` follows it. `noAsyncTraces`: by default the client builds an
 * Error with a stack for every request, a third of the CPU at our rates.
 */
export async function connectNats(
  hands: Pick<Hands, 'name' | 'env' | 'log' | 'health' | 'signal'>,
): Promise<NatsConnection> {
  const { env, log, health, signal } = hands;
  health.set('nats', false, `connecting to ${env.natsUrl}`);
  const pending = connect({
    servers: env.natsUrl,
    name: `virtscope-${hands.name}`,
    noAsyncTraces: true,
    // What a service writes itself it need not hear: on its own subjects all else is foreign.
    noEcho: true,
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    // A silent server (a cut network) is noticed within ten seconds.
    pingInterval: 5_000,
    maxPingOut: 2,
    timeout: 5_000,
    inboxPrefix: `_INBOX_${hands.name.replaceAll('-', '_')}`,
  });
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  const nc = await Promise.race([pending, aborted.promise]).catch(async (error: unknown) => {
    void pending.then(
      (late) => late.close(),
      () => undefined,
    );
    throw error;
  });
  signal.removeEventListener('abort', onAbort);
  aborted.promise.catch(() => undefined);
  health.set('nats', true);
  log.info({ server: nc.getServer(), version: nc.info?.version }, 'connected to NATS');
  void follow(nc, hands);
  return nc;
}

async function follow(
  nc: NatsConnection,
  { env, log, health }: Pick<Hands, 'env' | 'log' | 'health'>,
): Promise<void> {
  for await (const status of nc.status()) {
    if (status.type === 'disconnect' || status.type === 'staleConnection') {
      health.set('nats', false, `disconnected from ${env.natsUrl}`);
      log.warn(`NATS: ${status.type}; reconnecting to ${env.natsUrl}`);
    } else if (status.type === 'reconnect') {
      health.set('nats', true);
      log.info('NATS: connected again');
    } else if (status.type === 'error') {
      log.warn({ err: status.error }, 'NATS: the server refused something');
    }
  }
}
