import { expect, test } from 'vitest';
import { FeedProgress } from './feed-progress.ts';

test('nothing is caught up before the stream was looked at twice', () => {
  const progress = new FeedProgress({ last_seq: 2, messages: 2 }, 0);
  expect(progress.delivered(1)).toBeUndefined();
  expect(progress.delivered(2)).toBeUndefined();
  expect(progress.verified()).toBe(2);
  expect(progress.delivered(3)).toBeUndefined();
});

test('an empty stream, and one that was told to its end, are caught up with at once', () => {
  expect(new FeedProgress({ last_seq: 9, messages: 0 }, 0).verified()).toBe(9);
  expect(new FeedProgress({ last_seq: 9, messages: 5 }, 9).verified()).toBe(9);
});

test('a server with nothing left to send has sent all, also when the end was purged', () => {
  const progress = new FeedProgress({ last_seq: 5, messages: 2 }, 0);
  progress.verified();
  expect(progress.delivered(3)).toBeUndefined();
  expect(progress.idle()).toBe(5);
  expect(progress.idle()).toBeUndefined();
});

test('an end that was heard of later is reached by the second silence after it', () => {
  const progress = new FeedProgress({ last_seq: 1, messages: 1 }, 1);
  progress.verified();
  progress.endsAt(4);
  expect(progress.idle()).toBeUndefined();
  expect(progress.idle()).toBe(4);
  progress.endsAt(6);
  expect(progress.idle()).toBeUndefined();
  expect(progress.delivered(6)).toBeUndefined();
  expect(progress.idle()).toBeUndefined();
});
