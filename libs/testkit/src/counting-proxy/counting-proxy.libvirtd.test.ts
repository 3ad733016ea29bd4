import { expect, test } from 'vitest';
import { startLibvirtd } from '../libvirtd.ts';
import { socketUri, virsh } from '../virsh.ts';
import { waitFor } from '../wait-for.ts';
import { startCountingProxy } from './counting-proxy.ts';

test('virsh sees no difference, and the bill has exactly what it called', async () => {
  await using host = await startLibvirtd();
  await using proxy = await startCountingProxy({ target: host.socket });
  const uri = socketUri('test', proxy.socket);
  for (const question of [['list', '--all'], ['dumpxml', 'test'], ['capabilities']]) {
    expect(await virsh(uri, question)).toBe(await host.virshTest(...question));
  }
  proxy.reset();
  await virsh(uri, ['domstate', 'test']);
  const bill = proxy.bill();
  expect(bill.calls).toMatchObject({
    authList: 1,
    connectOpen: 1,
    domainLookupByName: 1,
    domainGetState: 1,
    connectClose: 1,
  });
  expect(bill.calls).not.toHaveProperty('domainGetXmlDesc');
  expect(bill.replies).toEqual(bill.calls);
  expect(bill.refusals).toEqual({});
  expect(bill.events).toEqual({});
  expect(bill.unreadable).toBe(false);
});

test('events are on the bill under their names, not among the replies', async () => {
  await using host = await startLibvirtd();
  await using proxy = await startCountingProxy({ target: host.socket });
  const question = ['event', '--event', 'lifecycle', '--timeout', '30'];
  const watch = virsh(socketUri('test', proxy.socket), question);
  const registered = 'connectDomainEventCallbackRegisterAny';
  await waitFor(() => proxy.bill().replies[registered], { what: 'virsh to register' });
  await host.virshTest('suspend', 'test');
  expect(await watch).toContain('Suspended Paused');
  const bill = proxy.bill();
  expect(bill.events).toEqual({ domainEventCallbackLifecycle: 1 });
  expect(bill.calls).toMatchObject({ [registered]: 1 });
  expect(bill.replies).toEqual(bill.calls);
});
