import { EnvError } from '@virtscope/runtime';
import { expect, test } from 'vitest';
import { readPeriods } from './settings.ts';

test('without variables the periods are the defaults', () => {
  expect(readPeriods({})).toEqual({ fast: 2_000, monitor: 10_000 });
  expect(readPeriods({ VIRTSCOPE_FAST_PERIOD_MS: '' }).fast).toBe(2_000);
});

test('each period is set by its variable', () => {
  const env = { VIRTSCOPE_FAST_PERIOD_MS: '500', VIRTSCOPE_MONITOR_PERIOD_MS: '5000' };
  expect(readPeriods(env)).toEqual({ fast: 500, monitor: 5_000 });
});

test.each([
  ['VIRTSCOPE_FAST_PERIOD_MS', '0'],
  ['VIRTSCOPE_FAST_PERIOD_MS', '2s'],
  ['VIRTSCOPE_MONITOR_PERIOD_MS', '600001'],
  ['VIRTSCOPE_MONITOR_PERIOD_MS', '-5'],
])('%s=%s is refused by name', (name, value) => {
  expect(() => readPeriods({ [name]: value })).toThrow(EnvError);
  expect(() => readPeriods({ [name]: value })).toThrow(`${name}=${value}: must be`);
});
