import {
  eventDataSchema,
  eventId,
  eventListSchema,
  eventsQuerySchema,
  problemTypes,
  subjects,
} from '@virtscope/contracts';
import type { EventPage, EventsWanted } from '@virtscope/runtime';
import { everything } from '@virtscope/view';
import type { AnsweringHands } from './answering.ts';
import { sendJson } from './body.ts';
import { documented } from './documented.ts';
import { sendProblem } from './problem.ts';
import type { App } from './server.ts';

const defaultEvents = 100;

/** Questions to the stream that may be under way at once; one more is refused. */
export const maxEventQuestions = 16;

export type EventHands = AnsweringHands & {
  /** Undefined while NATS is away. */
  events: (wanted: EventsWanted) => Promise<EventPage | undefined>;
};

/** The history that the stream of events still holds. */
export function eventRoutes(app: App, hands: EventHands): void {
  let asking = 0;
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
      const refused = (detail: string) =>
        sendProblem(
          reply,
          {
            type: problemTypes.unavailable,
            title: 'The history is not available now',
            status: 503,
            detail,
          },
          1,
        );
      if (asking >= maxEventQuestions) return refused('too many ask for it');
      asking++;
      const page = await hands
        .events({ filter, limit, after, since })
        .catch((error: unknown) => String(error))
        .finally(() => asking--);
      if (page === undefined) return refused('not connected to NATS');
      if (typeof page === 'string') return refused(page);
      const scope = hands.scopeOf?.(reply.request) ?? everything;
      const events = page.events.flatMap(({ brokerMs, data }) => {
        const event = eventDataSchema.safeParse(parse(data));
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

function parse(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data)) as unknown;
  } catch {
    return undefined;
  }
}
