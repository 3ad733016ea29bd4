/** node-libvirt through the counting proxy, before a real libvirtd. */
import { startCountingProxy, startLibvirtd, sumOf, waitFor } from '@virtscope/testkit';
import { connect } from 'node-libvirt';
import { expect, test } from 'vitest';

test('a session through the proxy reads what it reads without, and pays for just that', async () => {
  await using host = await startLibvirtd();
  await using proxy = await startCountingProxy({ target: host.socketRo });
  await using direct = await connect(host.testUri);
  await using billed = await connect(host.testUri.replace(host.socketRo, proxy.socket));
  // Of what the session does by itself when it begins, nothing is under way any more.
  await billed.ping();
  const { calls: begun } = proxy.bill();
  await waitFor(() => sumOf(proxy.bill().replies) === sumOf(begun), { what: 'its replies' });
  proxy.reset();
  const [domain] = await billed.connectListAllDomains();
  if (domain === undefined) throw new Error('the test driver has a domain');
  expect([domain]).toEqual(await direct.connectListAllDomains());
  expect(await billed.domainGetXmlDesc(domain)).toBe(await direct.domainGetXmlDesc(domain));
  for (let i = 0; i < 100; i++) await billed.domainGetState(domain);
  const { calls, replies, refusals, events, unreadable } = proxy.bill();
  expect(calls).toEqual({ connectListAllDomains: 1, domainGetXmlDesc: 1, domainGetState: 100 });
  expect(replies).toEqual(calls);
  expect({ refusals, events, unreadable }).toEqual({ refusals: {}, events: {}, unreadable: false });
});
