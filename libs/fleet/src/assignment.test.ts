import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memberFor } from './assignment.ts';

const hosts = Array.from({ length: 1_000 }, (_, i) => `hv${i}`);
const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 8,
});

test('the answer does not depend on the order in which members were heard', () => {
  fc.assert(
    fc.property(names, (members) => {
      const reversed = members.toReversed();
      for (const host of hosts.slice(0, 20)) {
        expect(memberFor(host, members)).toBe(memberFor(host, reversed));
      }
    }),
  );
  expect(memberFor('hv1', [])).toBeUndefined();
});

test('when a member leaves, only its hosts move', () => {
  const members = ['a', 'b', 'c', 'd'];
  for (const host of hosts) {
    const before = memberFor(host, members);
    const after = memberFor(host, ['a', 'b', 'c']);
    expect(after).toBe(before === 'd' ? after : before);
    expect(after).not.toBe('d');
  }
});

test('members share the hosts evenly', () => {
  const counts = new Map<string | undefined, number>();
  const members = ['node-1', 'node-2', 'node-3', 'node-4'];
  for (const host of hosts) {
    const member = memberFor(host, members);
    counts.set(member, (counts.get(member) ?? 0) + 1);
  }
  for (const count of counts.values()) {
    expect(count).toBeGreaterThan(190);
    expect(count).toBeLessThan(310);
  }
});
