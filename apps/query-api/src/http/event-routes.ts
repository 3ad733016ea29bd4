import {
  eventDataSchema,
  eventId,
  eventListSchema,
  domainParamsSchema,
  eventsQuerySchema,
  gapKind,
  stateAtQuerySchema,
  stateAtSchema,
  subjects,
  type EventData,
  type HostId,
} from '@virtscope/contracts';
import { parseJson, type EventPage, type EventsWanted } from '@virtscope/runtime';
import { Asking, everything, hostsSince, stateAt } from '@virtscope/view';
import type { FastifyReply } from 'fastify';
import { whenReady, type AnsweringHands } from './answering.ts';
import { sendJson } from './body.ts';
import { documented } from './documented.ts';
import { invalid, sendProblem, unavailable } from './problem.ts';
import type { App } from './server.ts';

const defaultEvents = 100;

/** Questions to the stream that may be under way at once; one more is refused. */
export const maxEventQuestions = 16;

/** Beyond, a question about a time is refused: the first of each host would have to be looked for. */
const maxEventsSince = 1_000;

export type EventHands = AnsweringHands & {
  /** Undefined while NATS is away. */
  events: (wanted: EventsWanted) => Promise<EventPage | undefined>;
};

/** The history that the stream of events still holds. */
export function eventRoutes(app: App, hands: EventHands): void {
  let asking = 0;

  /** A page, or why there is none. */
  const ask = async (wanted: EventsWanted): Promise<EventPage | string> => {
    if (asking >= maxEventQuestions) return 'too many ask for it';
    asking++;
    try {
      return (await hands.events(wanted)) ?? 'not connected to NATS';
    } catch (error) {
      return String(error);
    } finally {
      asking--;
    }
  };

  app.get(
    '/v1/domains/:uuid/at',
    {
      schema: documented(
        {
          tag: 'domains',
          summary: 'What the domain was at a time',
          description: 'Within what the stream of events still holds: a day.',
          answer: stateAtSchema,
        },
        { params: domainParamsSchema, querystring: stateAtQuerySchema },
      ),
    },
    async ({ params: { uuid }, query: { time } }, reply) => {
      const moment = await whenReady(hands, reply, undefined);
      if (!(moment instanceof Asking)) return moment;
      if (!moment.scope.wholeHosts) return refused(reply, 'it is told to who sees whole hosts');
      if (Date.parse(time) > moment.now.wallMs) {
        return sendProblem(reply, invalid(`time: ${time} is still to come`));
      }
      const limit = maxEventsSince;
      const page = await ask({ filter: subjects.eventsWhere({ uuid }), limit, since: time });
      if (typeof page === 'string') return refused(reply, page);
      if (page.firstMs === null || page.firstMs > Date.parse(time)) {
        const from = page.firstMs === null ? 'none' : new Date(page.firstMs).toISOString();
        return refused(reply, `the stream holds no events of that time: its first is of ${from}`);
      }
      if (page.more) return refused(reply, `more than ${limit} events came since then`);
      const events = eventsIn(page);
      const gaps = new Map<HostId, EventData>();
      for (const host of hostsSince(moment, uuid, events)) {
        const filter = subjects.eventsWhere({ host, kind: gapKind });
        const found = await ask({ filter, limit: 1, since: time });
        if (typeof found === 'string') return refused(reply, found);
        const [gap] = eventsIn(found);
        if (gap !== undefined) gaps.set(host, gap);
      }
      const presences = stateAt(moment, uuid, events, gaps);
      return sendJson(reply, JSON.stringify({ uuid, time, presences }));
    },
  );

  app.get(
    '/v1/events',
    {
      schema: documented(
        {
          tag: 'fleet',
          summary: 'Events that the stream still holds',
          description:
            'Oldest first. `before` and `after` of an event are the states around it: the state at a time is the `before` of the first event since then.',
          answer: eventListSchema,
        },
        { querystring: eventsQuerySchema },
      ),
    },
    async ({ query }, reply) => {
      const { pageSize: limit = defaultEvents, after, since, ...where } = query;
      const filter = subjects.eventsWhere(where);
      const page = await ask({ filter, limit, after, since });
      if (typeof page === 'string') return refused(reply, page);
      const scope = hands.scopeOf?.(reply.request) ?? everything;
      const events = page.events.flatMap(({ brokerMs, data }) => {
        const event = eventDataSchema.safeParse(parseJson(data));
        // Of single domains nobody can tell afterwards who was allowed to see them.
        if (!event.success || !scope.wholeHosts || !scope.host(event.data.host)) return [];
        const publishedAt = new Date(brokerMs).toISOString();
        return { ...event.data, eventId: eventId(event.data), publishedAt };
      });
      const next = page.events.at(-1)?.seq ?? after ?? 0;
      const { more, firstSeq: first } = page;
      return sendJson(reply, JSON.stringify({ events, next, more, first }));
    },
  );
}

const eventsIn = ({ events }: EventPage): EventData[] =>
  events.flatMap(({ data }) => eventDataSchema.safeParse(parseJson(data)).data ?? []);

function refused(reply: FastifyReply, detail: string): FastifyReply {
  return sendProblem(reply, unavailable('The history is not available now', detail), 1);
}
