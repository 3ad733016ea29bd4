import { eventDataSchema, subjects, type DomainUuid, type HostId } from '@virtscope/contracts';
import { parseJson, type NatsConnection } from '@virtscope/runtime';

/** Events that a job of a domain goes on, or has ended. A lost one is no loss: see jobs.ts. */
const kinds = ['migration-iteration', 'job-completed'] as const;

/** What event-bridge tells of the jobs of one host's domains. */
export function listenToJobs(
  nc: NatsConnection,
  host: HostId,
  onJob: (uuid: DomainUuid) => void,
): Disposable {
  const subscriptions = kinds.map((kind) =>
    nc.subscribe(subjects.eventsWhere({ host, kind }), {
      callback: (error, message) => {
        const event =
          error === null ? eventDataSchema.safeParse(parseJson(message.data)).data : undefined;
        if (event?.uuid !== undefined) onJob(event.uuid);
      },
    }),
  );
  return {
    [Symbol.dispose]: () => {
      for (const each of subscriptions) each.unsubscribe();
    },
  };
}
