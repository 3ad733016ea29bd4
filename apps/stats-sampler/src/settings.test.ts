import { EnvError } from '@virtscope/runtime';
import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

test('without variables the periods are the defaults', () => {
  expect(readSettings({})).toEqual({
    periods: { fast: 2_000, monitor: 10_000, host: 60_000 },
    extras: [],
  });
  expect(readSettings({ VIRTSCOPE_FAST_PERIOD_MS: '' }).periods.fast).toBe(2_000);
});

test('each period is set by its variable', () => {
  const env = { VIRTSCOPE_FAST_PERIOD_MS: '500', VIRTSCOPE_MONITOR_PERIOD_MS: '5000' };
  expect(readSettings(env).periods).toEqual({ fast: 500, monitor: 5_000, host: 60_000 });
});

test('what is asked only on request is asked by its variable, and anything else refused', () => {
  expect(readSettings({ VIRTSCOPE_STATS_EXTRAS: 'backing,dirtyrate' }).extras).toEqual([
    'backing',
    'dirtyrate',
  ]);
  expect(() => readSettings({ VIRTSCOPE_STATS_EXTRAS: 'guest' })).toThrow(EnvError);
});

test.each([
  ['VIRTSCOPE_FAST_PERIOD_MS', '0'],
  ['VIRTSCOPE_FAST_PERIOD_MS', '2s'],
  ['VIRTSCOPE_MONITOR_PERIOD_MS', '600001'],
  ['VIRTSCOPE_MONITOR_PERIOD_MS', '-5'],
])('%s=%s is refused by name', (name, value) => {
  expect(() => readSettings({ [name]: value })).toThrow(EnvError);
  expect(() => readSettings({ [name]: value })).toThrow(`${name}=${value}: must be`);
});
