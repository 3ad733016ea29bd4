import { problemTypes } from '@virtscope/contracts';
import type { Logger } from '@virtscope/runtime';
import type { FastifyInstance, FastifyServerOptions } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { STATUS_CODES } from 'node:http';
import { invalid, problemContentType, sendProblem } from './problem.ts';

/** Errors of requests that never come to a route. */
export const earlyErrors = {
  frameworkErrors: (error, _request, reply) => {
    void sendProblem(reply, invalid(error.message, error.statusCode));
  },
  // Bytes that are no HTTP: there is no reply object to answer with.
  clientErrorHandler: (error, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
    const body = JSON.stringify(invalid(error.message, status));
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\n` +
        `content-type: ${problemContentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  },
} as const satisfies FastifyServerOptions;

/** Every error is problem details, also those that no route of ours makes. */
export function answerErrors(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, {
      // Not `not-found`: that one speaks of domains and hosts, and is a proof.
      type: problemTypes.invalidRequest,
      title: 'There is no such path',
      status: 404,
      detail: `${request.method} ${request.url} is nothing that this API answers; GET / lists what is`,
    }),
  );
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (hasZodFastifySchemaValidationErrors(error)) {
      const where = error.validationContext === 'params' ? 'path' : 'query';
      const detail = error.validation
        .map(({ instancePath, message }) => {
          const field = instancePath.replace(/^\//, '').replaceAll('/', '.');
          return `${where}${field === '' ? '' : ` ${field}`}: ${message}`;
        })
        .join('; ');
      return sendProblem(reply, invalid(detail));
    }
    const status = error.statusCode ?? 500;
    if (status < 500) return sendProblem(reply, invalid(error.message, status));
    log.error({ err: error, url: request.url }, 'a request broke');
    return sendProblem(reply, {
      type: problemTypes.internal,
      title: 'An error of ours',
      status: 500,
      detail: 'the log of query-api has the details',
    });
  });
}
