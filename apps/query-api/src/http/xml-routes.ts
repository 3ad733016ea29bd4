import { hostDomainParamsSchema, lookupQuerySchema } from '@virtscope/contracts';
import { isTagged, rowOnHost, type Asking } from '@virtscope/view';
import type { FastifyReply } from 'fastify';
import { whenReady, type AnsweringHands } from './answering.ts';
import { documented } from './documented.ts';
import { problemOf, sendProblem, unavailable } from './problem.ts';
import type { App } from './server.ts';

/** Texts that may be fetched from the bus at once; one more is refused. */
export const maxXmlQuestions = 16;

export type XmlHands = AnsweringHands & {
  /** By the text's hash; undefined when it is not kept. Rejects while NATS does not answer. */
  xml: (hash: string) => Promise<string | undefined>;
};

/** libvirt's XML as it was when it was read last: from the bus, never from libvirt. */
export function xmlRoutes(app: App, hands: XmlHands): void {
  let asking = 0;
  app.get(
    '/v1/hosts/:host/domains/:uuid/xml',
    {
      schema: documented(
        {
          tag: 'domains',
          summary: "A domain's XML, as libvirt said it last",
          contentType: 'application/xml',
          description:
            "`application/xml`. Its `ETag` is the text's SHA-256, `config.xmlHash` of the domain; `config.observedAt` says when it was read.",
        },
        { params: hostDomainParamsSchema, querystring: lookupQuerySchema },
      ),
    },
    async ({ params: { host, uuid }, query: { minRevision } }, reply) => {
      const ready = await whenReady(hands, reply, minRevision);
      if (!('view' in ready)) return ready;
      const hash = xmlHashOf(ready, host, uuid);
      if (typeof hash !== 'string') return sendProblem(reply, problemOf(hash));
      if (isKnown(reply, hash)) return reply.code(304).send();
      if (asking >= maxXmlQuestions) return unavailableXml(reply, 'too many ask for one');
      asking++;
      try {
        const xml = await hands.xml(hash);
        if (xml === undefined) return unavailableXml(reply, `the text ${hash} is not on the bus`);
        return await reply.type('application/xml; charset=utf-8').send(xml);
      } catch (error) {
        return unavailableXml(reply, error instanceof Error ? error.message : String(error));
      } finally {
        asking--;
      }
    },
  );
}

function xmlHashOf(
  asking: Asking,
  host: string,
  uuid: string,
): string | Exclude<ReturnType<typeof rowOnHost>, { seq: number }> {
  const row = rowOnHost(asking, host, { uuid });
  if ('kind' in row) return row;
  const detail = `the configuration of ${uuid} on ${host} has not been read yet`;
  return row.config?.xmlHash ?? { kind: 'unknown', detail, unreachable: [host] };
}

/** Puts the tag on the reply. @returns whether the caller has this text already */
function isKnown(reply: FastifyReply, hash: string): boolean {
  const etag = `"${hash}"`;
  void reply.header('cache-control', 'private, no-cache').header('etag', etag);
  const known = reply.request.headers['if-none-match'];
  return known !== undefined && isTagged(known, etag);
}

function unavailableXml(reply: FastifyReply, detail: string): FastifyReply {
  void reply.removeHeader('etag');
  return sendProblem(reply, unavailable('The XML is not available now', detail), 1);
}
