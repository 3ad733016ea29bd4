import fastify from 'fastify';
import type { Listen } from './env.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';

/** A service's own door for its operators: `/metrics`, `/healthz` (it runs), `/readyz`. */
export async function serveManagement(
  listen: Listen,
  health: Health,
  metrics: Metrics,
): Promise<AsyncDisposable & { url: string }> {
  const app = fastify({ logger: false });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', (_request, reply) =>
    health.ready
      ? reply.send({ status: 'ready' })
      : reply.code(503).send({ status: 'not ready', checks: health.failing }),
  );
  const url = await app.listen({ host: listen.host, port: listen.port });
  return { url, [Symbol.asyncDispose]: () => app.close() };
}
