import type { NatsConnection } from '@nats-io/nats-core';
import { subjects } from '@virtscope/contracts';

/**
 * Hears the heartbeats of event-bridge: a core subscription, as a beat that nobody heard is worth
 * nothing later.
 */
export function hearHeartbeats(
  nc: NatsConnection,
  on: (subject: string, data: Uint8Array) => void,
): Disposable {
  const subscription = nc.subscribe(subjects.heartbeatsOf('event-bridge'), {
    callback: (error, { subject, data }) => {
      if (error === null) on(subject, data);
    },
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}
