import { expect, test } from 'vitest';
import { Silence, askAfterMs } from './silence.ts';

test('a daemon is silent when neither an event nor an answer came for long', () => {
  let nowMs = 0;
  const silence = new Silence(() => nowMs);
  nowMs = askAfterMs - 1;
  expect(silence.isLong).toBe(false);
  nowMs = askAfterMs;
  expect(silence.isLong).toBe(true);
  for (const outcome of ['deadline', 'aborted', 'lost'] as const) silence.ended(outcome);
  expect(silence.isLong).toBe(true);
  for (const outcome of ['ok', 'error'] as const) {
    silence.ended(outcome);
    expect(silence.isLong).toBe(false);
    nowMs += askAfterMs;
    expect(silence.isLong).toBe(true);
  }
  silence.heard();
  expect(silence.isLong).toBe(false);
});
