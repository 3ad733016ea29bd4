import { createInbox, type NatsConnection } from '@nats-io/nats-core';

/**
 * A new inbox under the prefix that the client was connected with: a permission may hang on it, and
 * the client keeps it to itself.
 */
export function inboxOf(nc: NatsConnection): string {
  const { options } = nc as { options?: { inboxPrefix?: string } };
  return createInbox(options?.inboxPrefix);
}
