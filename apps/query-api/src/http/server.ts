import type { Listen, Logger, Metrics } from '@virtscope/runtime';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type RawServerDefault,
} from 'fastify';
import {
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { domainRoutes } from './domain-routes.ts';
import { answerErrors, earlyErrors } from './errors.ts';
import { hostRoutes, type HostHands } from './host-routes.ts';
import { serviceRoutes } from './service-routes.ts';

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** A domain's name in a path: 4096 characters, each up to four bytes written as `%HH`. */
const maxParamLength = 4096 * 12;

/** Above a longest path, so that it is refused in our words. */
const maxHeaderBytes = 64 * 1024;

/** Every question is a GET: a body is a mistake. */
const maxBodyBytes = 1024;

export type ServerHands = HostHands & { log: Logger; metrics: Metrics };

export function buildServer(hands: ServerHands): App {
  const { log, metrics } = hands;
  const app = fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    routerOptions: { maxParamLength },
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    http: { maxHeaderSize: maxHeaderBytes },
    ...earlyErrors,
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  const duration = metrics.histogram('http_request_seconds', 'Duration of requests, by route', [
    'method',
    'route',
    'status',
  ]);
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions } = request;
    const labels = { method, route: routeOptions.url ?? 'none', status: reply.statusCode };
    duration.observe(labels, reply.elapsedTime / 1000);
    done();
  });
  app.addHook('onRequest', (_request, reply, done) => {
    // An answer is true of its moment: no cache in between may give it later.
    void reply.header('cache-control', 'no-store');
    done();
  });
  answerErrors(app, log);
  serviceRoutes(app, hands);
  domainRoutes(app, hands);
  hostRoutes(app, hands);
  return app;
}

/** Listens until it is disposed; what was being answered then is answered first. */
export async function startServer({
  listen,
  ...hands
}: ServerHands & { listen: Listen }): Promise<AsyncDisposable & { url: string }> {
  const app = buildServer(hands);
  const url = await app.listen({ host: listen.host, port: listen.port });
  return { url, [Symbol.asyncDispose]: () => app.close() };
}
