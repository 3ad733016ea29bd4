import { expect, test } from 'vitest';
import { ownerOf, type Claim } from './owner.ts';

const claim = (state: string, trust: Claim['trust'], seq: number): Claim => ({ state, trust, seq });

/** Whether the first owns the domain, in whatever order the two come. */
function beats(first: Claim, second: Claim): boolean {
  return ownerOf([first, second]) === first && ownerOf([second, first]) === first;
}

test('a running target beats a departing source', () => {
  expect(beats(claim('running', 'live', 1), claim('paused', 'live', 2))).toBe(true);
  expect(beats(claim('running', 'live', 1), claim('shutoff', 'live', 2))).toBe(true);
});

test('a source that still runs beats a target that waits for its memory', () => {
  expect(beats(claim('running', 'live', 1), claim('paused', 'live', 2))).toBe(true);
});

test('a live host beats a lost one', () => {
  expect(beats(claim('running', 'live', 1), claim('running', 'lost', 2))).toBe(true);
  expect(beats(claim('paused', 'live', 1), claim('running', 'lost', 2))).toBe(true);
});

test('an inactive definition on a live host does not hide a domain that may run on a lost one', () => {
  expect(beats(claim('running', 'lost', 1), claim('shutoff', 'live', 2))).toBe(true);
});

test('of two equals the one written last answers', () => {
  expect(beats(claim('running', 'live', 2), claim('running', 'live', 1))).toBe(true);
});

test('no presence, no owner', () => {
  expect(ownerOf([])).toBeUndefined();
});
