import { expect, test } from 'vitest';
import { startLibvirtd } from './libvirtd.ts';
import { defineAndStart, pulseGuest } from './pulse-guest.ts';

test('a host of libvirt 11 runs its own libvirt and QEMU, beside one of the machine', async () => {
  await using installed = await startLibvirtd({ name: 'hv1' });
  await using eleven = await startLibvirtd({ name: 'hv2', version: '11' });
  const guest = pulseGuest(eleven.dir, { name: 'vm1' });
  await defineAndStart(eleven, guest);
  expect(await eleven.virsh('version', '--daemon')).toMatch(
    /Using library: libvirt 11\.[^]*QEMU 10\.[^]*Running against daemon: 11\./,
  );
  expect((await eleven.virsh('hostname')).trim()).toBe('hv2.test');
  expect(await eleven.virsh('capabilities')).toContain(`<uuid>${eleven.hostUuid}</uuid>`);
  expect((await eleven.virshTest('list', '--name')).trim()).toBe('test');
  expect((await installed.virsh('list', '--all', '--name')).trim()).toBe('');
});

test('its domains outlive a restart of the daemon, and end with the host', async () => {
  await using host = await startLibvirtd({ version: '11' });
  await defineAndStart(host, pulseGuest(host.dir, { name: 'vm1' }));
  await host.restart();
  expect((await host.virsh('list', '--name')).trim()).toBe('vm1');
  await host.stop();
  await host.start();
  expect((await host.virsh('list', '--name')).trim()).toBe('');
  expect((await host.virsh('list', '--all', '--name')).trim()).toBe('vm1');
});
