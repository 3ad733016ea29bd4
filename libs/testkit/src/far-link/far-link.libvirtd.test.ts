import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { remainsOfKilledOwner } from '../killed-owner.ts';
import { startLibvirtd } from '../libvirtd.ts';
import { isAlive } from '../process-ref.ts';
import { tempDir } from '../temp-dir.ts';
import { virsh } from '../virsh.ts';
import { startFarLink } from './far-link.ts';

const localAddresses = (): (string | undefined)[] =>
  Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address));

test('a host behind a far link answers there, and no sooner than the link lets it', async () => {
  await using link = await startFarLink({ delayMs: 40 });
  await using host = await startLibvirtd({ link, listen: { tcp: true } });
  const beganMs = performance.now();
  const socket = connect(host.tcpPort, link.farAddress);
  await once(socket, 'connect');
  // A handshake is a round trip.
  expect(performance.now() - beganMs).toBeGreaterThanOrEqual(79);
  socket.destroy();
  const uri = `test+tcp://${link.farAddress}:${host.tcpPort}/default`;
  expect((await virsh(uri, ['-r', 'list', '--name'])).trim()).toBe('test');
  expect((await host.virshTest('hostname')).trim()).toBe('hv1.test');
});

test('two links have their own addresses, in the networks that are set aside for it', async () => {
  await using one = await startFarLink({ delayMs: 1 });
  await using two = await startFarLink({ delayMs: 1 });
  const addresses = [one, two].flatMap((link) => [link.nearAddress, link.farAddress]);
  expect(new Set(addresses).size).toBe(4);
  for (const address of addresses) expect(address).toMatch(/^198\.1[89]\./);
  expect(localAddresses()).toContain(one.nearAddress);
  // The far end is in a namespace of its own.
  expect(localAddresses()).not.toContain(one.farAddress);
});

test('a link that is disposed leaves no process and no device', async () => {
  const link = await startFarLink({ delayMs: 1 });
  const { ref, nearAddress } = link;
  await link[Symbol.asyncDispose]();
  await link[Symbol.asyncDispose]();
  expect(isAlive(ref)).toBe(false);
  expect(localAddresses()).not.toContain(nearAddress);
});

test('an owner killed with SIGKILL leaves no link and no host behind it', async () => {
  await using dir = await tempDir();
  const before = localAddresses().length;
  const { started, processes } = await remainsOfKilledOwner('far-libvirtd', dir.path);
  expect({ started, processes }).toEqual({ started: 4, processes: [] });
  expect(localAddresses()).toHaveLength(before);
});
