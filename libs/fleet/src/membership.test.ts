import { heartbeatTtlMs } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { Membership, helloMs } from './membership.ts';

const hosts = Array.from({ length: 100 }, (_, i) => ({ id: `hv${i}` }));
const none = new Set<string>();
const ids = (mine: { id: string }[]): Set<string> => new Set(mine.map(({ id }) => id));

test('a new member takes nothing before its hello was answered, then its share', () => {
  const member = new Membership('a', 0);
  expect(member.mine(hosts, none, helloMs - 1)).toEqual([]);
  expect(member.heard('b', 10)).toBe(true);
  expect(member.heard('b', 20)).toBe(false);
  const share = member.mine(hosts, none, helloMs);
  expect(share.length).toBeGreaterThan(30);
  expect(share.length).toBeLessThan(70);
});

test('two members that hear each other have every host exactly once', () => {
  const [a, b] = [new Membership('a', 0), new Membership('b', 0)];
  a.heard('b', 900);
  b.heard('a', 900);
  const [of, other] = [a, b].map((member) => ids(member.mine(hosts, none, 1_000)));
  expect(of?.intersection(other ?? none).size).toBe(0);
  expect(of?.union(other ?? none).size).toBe(hosts.length);
});

test('the hosts of a silent member go to the others after one TTL', () => {
  const a = new Membership('a', 0);
  a.heard('b', 1_000);
  const before = ids(a.mine(hosts, none, 1_000 + heartbeatTtlMs - 1));
  expect(before.size).toBeLessThan(hosts.length);
  expect(a.mine(hosts, before, 1_000 + heartbeatTtlMs)).toEqual(hosts);
});

test('a member that said goodbye is replaced at once', () => {
  const a = new Membership('a', 0);
  a.heard('b', 2_000);
  a.left('b');
  expect(a.mine(hosts, none, 2_000)).toEqual(hosts);
});

test('after a reconnect a member keeps what it holds and takes nothing new for a TTL', () => {
  const a = new Membership('a', 0);
  a.heard('b', 2_000);
  const held = ids(a.mine(hosts, none, 2_000));
  a.reconnected(20_000, 0);
  expect(ids(a.mine(hosts, held, 20_000 + heartbeatTtlMs - 1))).toEqual(held);
  expect(a.mine(hosts, held, 20_000 + heartbeatTtlMs)).toEqual(hosts);
});

test('exactly one of the live members is the lowest', () => {
  const [a, b] = [new Membership('a', 0), new Membership('b', 0)];
  a.heard('b', 0);
  b.heard('a', 0);
  expect([a.isLowest(1), b.isLowest(1)]).toEqual([true, false]);
  expect(b.isLowest(heartbeatTtlMs)).toBe(true);
});
