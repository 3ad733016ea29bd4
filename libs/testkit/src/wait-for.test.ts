import { expect, test } from 'vitest';
import { WaitTimeoutError, waitFor } from './wait-for.ts';

test('gives the first value that is not undefined, null or false', async () => {
  const values = [undefined, null, false, 0];
  expect(await waitFor(() => values.shift(), { what: 'a value', intervalMs: 1 })).toBe(0);
});

test('a condition that throws is not true yet, and its last error is the cause', async () => {
  const cause = new Error('not there');
  const waiting = waitFor(
    () => {
      throw cause;
    },
    { what: 'the moon', timeoutMs: 20, intervalMs: 5 },
  );
  await expect(waiting).rejects.toThrow(WaitTimeoutError);
  await expect(waiting).rejects.toThrow('waited 20 ms for the moon: not there');
  await expect(waiting).rejects.toHaveProperty('cause', cause);
});

test('a condition that never answers does not outlast the deadline', async () => {
  const never = new Promise<boolean>(() => undefined);
  await expect(waitFor(() => never, { what: 'ever', timeoutMs: 20 })).rejects.toThrow(
    'waited 20 ms for ever',
  );
});

test('an aborted signal ends the wait with its reason', async () => {
  const reason = new Error('it died');
  const stop = new AbortController();
  const waiting = waitFor(() => false, { what: 'it', intervalMs: 5_000, signal: stop.signal });
  stop.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});
