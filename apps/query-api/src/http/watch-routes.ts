import { parseRevision, problemTypes, watchQuerySchema } from '@virtscope/contracts';
import { Asking, readFields, readFilter, wholeRow } from '@virtscope/view';
import { whenReady, type AnsweringHands } from './answering.ts';
import { grantOfRequest } from './access.ts';
import { documented } from './documented.ts';
import { invalid, sendProblem, unavailable, type ProblemDetails } from './problem.ts';
import type { App } from './server.ts';
import type { Watching } from '../watching.ts';

const description = `Server-sent events. First \`present\` for each domain of the filter, then \`synced\`; from there each change is \`enter\`, \`modify\` or \`leave\`, a change of a host's trust is \`host\`, and \`bookmark\` tells now and then that nothing was missed.
Every frame behind \`synced\` has the revision as its id: \`?resume=\` or \`Last-Event-ID\` goes on there, at any replica, with \`upsert\` and \`leave\` for what changed since. 410 says that it cannot: watch anew without it.
A watcher that reads too slowly is told \`coalesced\` and then the newest form of what it missed; one that does not read at all gets \`gone\` and is cut off. Live stats have no revision: they bring domains into the filter and out of it once a second, and such a watch cannot be resumed; it begins anew with \`reset\`.`;

export function watchRoutes(app: App, hands: AnsweringHands & { watching: Watching }): void {
  app.get(
    '/v1/watch',
    {
      schema: documented(
        { tag: 'domains', summary: 'Every change, as it happens', description },
        { querystring: watchQuerySchema },
      ),
    },
    async (request, reply) => {
      const { query, headers, ip } = request;
      const grant = grantOfRequest(request);
      const filter = readFilter(query);
      if (!filter.ok) return sendProblem(reply, invalid(filter.reason));
      const fields = query.fields === undefined ? undefined : readFields(query.fields);
      if (fields?.ok === false) return sendProblem(reply, invalid(`fields: ${fields.reason}`));
      const last = headers['last-event-id'];
      const token = query.resume ?? (typeof last === 'string' && last !== '' ? last : undefined);
      if (token !== undefined && parseRevision(token) === undefined) {
        return sendProblem(reply, invalid('resume: it is no revision'));
      }
      const asking = await whenReady(hands, reply, token);
      if (!(asking instanceof Asking)) return asking;
      const { watching } = hands;
      const refusal = token === undefined ? undefined : watching.hub.cannotResume(token);
      if (refusal !== undefined) return sendProblem(reply, tooOld(refusal));
      const question = {
        filter: filter.filter,
        projection: fields?.projection ?? wholeRow,
        scope: asking.scope,
      };
      const full = watching.open(question, {
        caller: grant?.name ?? ip,
        until: grant?.signal,
        resume: token === undefined ? undefined : parseRevision(token)?.seq,
        take: () => {
          reply.hijack();
          reply.raw.writeHead(200, {
            'content-type': 'text/event-stream; charset=utf-8',
            'cache-control': 'no-store',
            'x-accel-buffering': 'no',
          });
          return reply.raw;
        },
      });
      return full === undefined ? reply : sendProblem(reply, tooMany(full), 1);
    },
  );
}

const tooOld = (detail: string): ProblemDetails => ({
  type: problemTypes.foreignToken,
  title: 'The watch cannot be resumed there',
  status: 410,
  detail: `${detail}: watch anew without it`,
});

const tooMany = (detail: string): ProblemDetails => unavailable('Too many watch', detail);
