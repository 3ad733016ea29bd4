import type { Listen, Logger, Metrics } from '@virtscope/runtime';
import swagger from '@fastify/swagger';
import type { WatchLimits } from '@virtscope/view';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type RawServerDefault,
} from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnsweringHands } from './answering.ts';
import { guardAccess, scopeOfRequest } from './access.ts';
import { domainRoutes } from './domain-routes.ts';
import { answerErrors, earlyErrors } from './errors.ts';
import { historyRoutes } from './history-routes.ts';
import { eventRoutes, type EventHands } from './event-routes.ts';
import { capabilityRoutes } from './capability-routes.ts';
import { hostRoutes } from './host-routes.ts';
import { listRoutes } from './list-routes.ts';
import { placementRoutes } from './placement-routes.ts';
import { metricsRoutes } from './metrics-routes.ts';
import { serviceRoutes } from './service-routes.ts';
import { watchRoutes } from './watch-routes.ts';
import { xmlRoutes, type XmlHands } from './xml-routes.ts';
import type { TokenBook } from '../access/token-book.ts';
import { CapsBook, type CapsSource } from '../caps-book.ts';
import { Watching, type WatchingLimits } from '../watching.ts';

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

/** A question whose body may be longer says so itself. */
const maxBodyBytes = 1024;

export type ServerHands = AnsweringHands &
  EventHands &
  XmlHands & {
    caps: CapsSource;
    tokens?: TokenBook | undefined;
    loopbackNamesOnly?: boolean;
    log: Logger;
    metrics: Metrics;
    watchLimits?: WatchLimits;
    callerLimits?: WatchingLimits;
  };

export function buildServer(given: ServerHands): App {
  const hands = { scopeOf: scopeOfRequest, ...given };
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
  guardAccess(app, hands);
  void app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Virtscope',
        version: '1',
        description:
          'Any question about the fleet, answered from memory: no question costs a libvirt call. Every answer names its `revision` and says how far it may be believed.',
      },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  const watching = new Watching(hands);
  const book = new CapsBook(hands.caps, hands.clock);
  // Behind the plugin that collects them.
  void app.register((instance, _options, done) => {
    const routes = instance.withTypeProvider<ZodTypeProvider>();
    serviceRoutes(routes, hands);
    listRoutes(routes, hands);
    domainRoutes(routes, hands);
    historyRoutes(routes, hands);
    hostRoutes(routes, hands);
    capabilityRoutes(routes, { ...hands, book });
    placementRoutes(routes, { ...hands, book });
    eventRoutes(routes, hands);
    metricsRoutes(routes, hands);
    xmlRoutes(routes, hands);
    watchRoutes(routes, { ...hands, watching });
    done();
  });
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
