/** Hosts with more domains than one answer of libvirt holds. */
import { join } from 'node:path';
import {
  type SimulatedDaemon,
  type SimulatedDomain,
  startSimulatedDaemon,
  tempDir,
} from '@virtscope/testkit';
import { expect, test } from 'vitest';
import { allDomainStats } from './all-domain-stats.ts';
import { listInParts } from './calls/list-in-parts.ts';
import { connect } from './connect.ts';
import {
  VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE,
  VIR_CONNECT_LIST_DOMAINS_ACTIVE,
  VIR_CONNECT_LIST_DOMAINS_PERSISTENT,
  VIR_DOMAIN_STATS_STATE,
} from './constants/flags.ts';
import { type DeadlineExceededError, LibvirtError, type RemoteError } from './errors.ts';
import type { CallBill } from './rpc/call.ts';
import type { Session } from './session.ts';

type Host = AsyncDisposable & { daemon: SimulatedDaemon; session: Session; bills: CallBill[] };

async function hostOf(
  count: number,
  spec: (index: number) => Partial<SimulatedDomain>,
  { kvmCounters = false } = {},
): Promise<Host> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir());
  const daemon = stack.use(
    await startSimulatedDaemon({
      socketPath: join(dir.path, 'sock'),
      hostname: 'hv1.test',
      domains: Array.from({ length: count }, (_, i) => ({ name: `vm${i}`, ...spec(i) })),
      kvmCounters,
    }),
  );
  const bills: CallBill[] = [];
  const session = stack.use(await connect(daemon.uri, { onCall: (bill) => bills.push(bill) }));
  bills.length = 0;
  const owned = stack.move();
  return { daemon, session, bills, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const internalError: RemoteError = {
  code: 1,
  domain: 7,
  message: 'internal error: something else',
  level: 2,
  str1: undefined,
  str2: undefined,
  str3: undefined,
  int1: -1,
  int2: -1,
};

const outcomes = (bills: readonly CallBill[], procedure: string): string[] =>
  bills.filter((bill) => bill.procedure === procedure).map(({ outcome }) => outcome);

test('20,000 domains are listed in the parts that the server tells apart', async () => {
  await using host = await hostOf(20_000, (i) => ({ state: i % 2 === 0 ? 'running' : 'shutoff' }));
  const domains = await host.session.connectListAllDomains();
  expect(new Set(domains.map(({ uuid }) => uuid)).size).toBe(20_000);
  // The refusal, those that run, those that do not.
  expect(outcomes(host.bills, 'connectListAllDomains')).toEqual(['error', 'ok', 'ok']);
});

test('what is asked by flags stays asked when the list is split', async () => {
  await using host = await hostOf(20_100, (i) => ({
    state: i < 100 ? 'shutoff' : 'running',
    autostart: i % 2 === 0,
    persistent: i < 19_000,
  }));
  const { session } = host;
  const active = await session.connectListAllDomains({ flags: VIR_CONNECT_LIST_DOMAINS_ACTIVE });
  expect(active).toHaveLength(20_000);
  expect(active.every(({ id }) => id > 0)).toBe(true);
  const flags = VIR_CONNECT_LIST_DOMAINS_PERSISTENT;
  expect(await session.connectListAllDomains({ flags })).toHaveLength(19_000);
});

test('more domains than a list holds, all alike, are refused by code', async () => {
  await using host = await hostOf(20_000, () => ({}));
  await expect(host.session.connectListAllDomains()).rejects.toMatchObject({
    name: 'LibvirtError',
    code: 1,
  });
  expect(host.session.isOpen).toBe(true);
});

test('a refusal with code 1 of a host that is not large is that, and nothing is split', async () => {
  const refusal = new LibvirtError('connectListAllDomains', internalError);
  const asked: number[] = [];
  const list = listInParts(0, {
    list: (flags) => {
      asked.push(flags);
      return Promise.reject(refusal);
    },
    count: () => Promise.resolve(16_384),
  });
  await expect(list).rejects.toBe(refusal);
  expect(asked).toEqual([0]);
});

test('all parts of a list have one deadline together', async () => {
  await using host = await hostOf(20_000, () => ({}));
  using _hold = host.daemon.hold('connectNumOfDomains');
  const list = host.session.connectListAllDomains({}, { timeoutMs: 1_000 });
  const error = await list.catch((reason: unknown) => reason as DeadlineExceededError);
  expect(error).toMatchObject({ name: 'DeadlineExceededError', procedure: 'connectNumOfDomains' });
  // What the refused list left of it.
  expect((error as DeadlineExceededError).timeoutMs).toBeLessThan(1_000);
});

test('stats of 20,000 domains come by explicit lists, none twice and none left out', async () => {
  await using host = await hostOf(20_000, (i) => ({ state: i % 2 === 0 ? 'running' : 'shutoff' }));
  const { session } = host;
  const ask = { stats: VIR_DOMAIN_STATS_STATE };
  await expect(session.connectGetAllDomainStats(ask)).rejects.toMatchObject({ code: 1 });
  host.bills.length = 0;
  const { records, vanished } = await allDomainStats(session, ask);
  expect(new Set(records.map(({ domain }) => domain.uuid)).size).toBe(20_000);
  expect(records).toHaveLength(20_000);
  expect(vanished).toEqual([]);
  expect(outcomes(host.bills, 'connectGetAllDomainStats')).toEqual(
    Array.from({ length: 20 }, () => 'ok'),
  );

  const flags = VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE;
  const active = await allDomainStats(session, { ...ask, flags, chunk: 16_384 });
  expect(active.records).toHaveLength(10_000);
  expect(active.records.every(({ params }) => params.get('state.state') === 1)).toBe(true);
});

test('a reply above 32 MiB is asked for in halves, and those that follow fit', async () => {
  await using host = await hostOf(8_000, () => ({ vcpus: 2 }), { kvmCounters: true });
  const { session } = host;
  await expect(session.connectGetAllDomainStats({ stats: 0 })).rejects.toMatchObject({ code: 39 });
  host.bills.length = 0;
  const { records, vanished } = await allDomainStats(session, { stats: 0, chunk: 8_000 });
  expect(records).toHaveLength(8_000);
  expect(vanished).toEqual([]);
  const replies = outcomes(host.bills, 'connectGetAllDomainStats');
  // Only the first list is a guess.
  expect(replies.lastIndexOf('error')).toBeLessThan(replies.indexOf('ok'));
  expect(replies.filter((outcome) => outcome === 'ok').length).toBeGreaterThan(2);
});

test('domains that are gone since they were listed are named', async () => {
  await using host = await hostOf(30, (i) => ({ persistent: i !== 7 }));
  const { daemon, session } = host;
  const domains = await session.connectListAllDomains();
  daemon.destroy('vm7');
  const stats = VIR_DOMAIN_STATS_STATE;
  const answer = await allDomainStats(session, { domains, stats, chunk: 4 });
  expect(answer.records).toHaveLength(29);
  expect(answer.vanished.map(({ name }) => name)).toEqual(['vm7']);
  expect(outcomes(host.bills, 'connectGetAllDomainStats')).toHaveLength(8);
});

test('of no domains nothing is asked, though libvirt would answer for all', async () => {
  await using host = await hostOf(3, () => ({}));
  const nothing = await allDomainStats(host.session, { domains: [], stats: 0 });
  expect(nothing).toEqual({ records: [], vanished: [] });
  expect(host.bills).toEqual([]);
});

test.each([0, -1, 1.5, 16_385])('chunks of %d domains are refused', async (chunk) => {
  await using host = await hostOf(1, () => ({}));
  await expect(allDomainStats(host.session, { stats: 0, chunk })).rejects.toThrow(RangeError);
});
