import { NoRespondersError, RequestError } from '@nats-io/nats-core';

/** Whether a request failed as nobody listens on its subject. */
export function isUnheard(error: unknown): boolean {
  return (
    error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders())
  );
}
