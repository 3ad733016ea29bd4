import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { remainsOfKilledOwner } from './killed-owner.ts';
import { answersRpc } from './libvirt-probe.ts';
import { startLibvirtd } from './libvirtd.ts';
import { isAlive, processRef } from './process-ref.ts';
import { defineAndStart, pulseGuest } from './pulse-guest.ts';
import { ServerStartError } from './server-process.ts';
import { tempDir } from './temp-dir.ts';
import { virsh } from './virsh.ts';
import { waitFor } from './wait-for.ts';

const libvirtMounts = (): string[] =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((mount) => mount.includes('libvirt'));

test('two private hosts have their own names, uuids, domains and sockets', async () => {
  await using dir = await tempDir();
  await using one = await startLibvirtd({ name: 'hv1' });
  await using two = await startLibvirtd({ name: 'hv2' });
  expect((await one.virsh('hostname')).trim()).toBe('hv1.test');
  expect((await two.virsh('hostname')).trim()).toBe('hv2.test');
  expect(await one.virsh('capabilities')).toContain(`<uuid>${one.hostUuid}</uuid>`);
  await one.virsh('define', pulseGuest(dir.path, { name: 'vm1' }).xmlPath);
  expect((await virsh(one.uri, ['-r', 'list', '--all', '--name'])).trim()).toBe('vm1');
  expect((await virsh(two.uri, ['-r', 'list', '--all', '--name'])).trim()).toBe('');
  expect((await virsh(two.testUri, ['-r', 'list', '--name'])).trim()).toBe('test');
  expect((await two.virshTest('list', '--name')).trim()).toBe('test');
});

test('the read-only socket refuses to change anything', async () => {
  await using dir = await tempDir();
  await using host = await startLibvirtd();
  const { xmlPath } = pulseGuest(dir.path, { name: 'vm1' });
  await expect(virsh(host.uri, ['-r', 'define', xmlPath])).rejects.toThrow(/read.only/i);
});

test('a pulse guest reads and writes its disk for ever', async () => {
  await using dir = await tempDir();
  await using host = await startLibvirtd();
  const guest = pulseGuest(dir.path, { name: 'vm1' });
  await defineAndStart(host, guest);
  const requests = async (kind: 'rd' | 'wr'): Promise<number> => {
    const stats = await host.virsh('domstats', '--block', guest.name);
    return Number(new RegExp(`block\\.0\\.${kind}\\.reqs=(\\d+)`).exec(stats)?.[1]);
  };
  const grows = async (kind: 'rd' | 'wr', beyond: number): Promise<number> =>
    waitFor(
      async () => {
        const now = await requests(kind);
        return now > beyond ? now : undefined;
      },
      { what: `block.${kind}.reqs above ${beyond}`, timeoutMs: 30_000, intervalMs: 250 },
    );
  const firstWrites = await grows('wr', 0);
  await grows('rd', await requests('rd'));
  expect(await grows('wr', firstWrites)).toBeGreaterThan(firstWrites);
});

test('domains survive a restart and a crash of libvirtd, not the loss of the host', async () => {
  await using dir = await tempDir();
  await using host = await startLibvirtd();
  const guest = pulseGuest(dir.path, { name: 'vm1' });
  await defineAndStart(host, guest);
  const qemu = host.qemuPid('vm1');
  const running = async (): Promise<string> =>
    (await host.virsh('list', '--name', '--state-running')).trim();

  await host.restart();
  expect(await running()).toBe('vm1');

  await host.kill();
  expect(await answersRpc(host.socket)).toBe(false);
  expect(() => host.pid).toThrow(/does not run/);
  await host.start();
  expect(await running()).toBe('vm1');
  expect(host.qemuPid('vm1')).toBe(qemu);

  const qemuRef = processRef(qemu);
  if (qemuRef === undefined) throw new Error('QEMU does not run');
  await host.stop();
  expect(isAlive(qemuRef)).toBe(false);
  await host.start();
  expect(await running()).toBe('');
  expect((await host.virsh('list', '--all', '--name')).trim()).toBe('vm1');
});

test('a paused libvirtd is silent until it is resumed', async () => {
  await using host = await startLibvirtd();
  host.pause();
  expect(await answersRpc(host.socket, 200)).toBe(false);
  host.resume();
  expect(await answersRpc(host.socket)).toBe(true);
});

test('a folder too deep for a socket, with odd characters, still holds a host', async () => {
  await using dir = await tempDir();
  const deep = join(dir.path, 'd'.repeat(60), `it's a <b> & "c" ${'e'.repeat(60)}`);
  await using host = await startLibvirtd({ dir: deep });
  expect(host.dir).toBe(deep);
  await defineAndStart(host, pulseGuest(deep, { name: 'vm & 1' }));
  expect((await virsh(host.uri, ['-r', 'list', '--name'])).trim()).toBe('vm & 1');
  expect(isAlive(processRef(host.qemuPid('vm & 1')) ?? { pid: 0, startTime: '' })).toBe(true);
});

test('a host that listens on TCP keeps its port through a restart; others have none', async () => {
  await using host = await startLibvirtd({ listen: { tcp: true } });
  const uri = `test+tcp://127.0.0.1:${host.tcpPort}/default`;
  expect((await virsh(uri, ['-r', 'list', '--name'])).trim()).toBe('test');
  await host.restart();
  expect((await virsh(uri, ['-r', 'hostname'])).trim()).toBe('hv1.test');
  expect(() => host.tlsPort).toThrow(/does not listen on tls/);
});

test('a libvirtd that cannot start says why with the end of its log', async () => {
  const started = startLibvirtd({ conf: ['max_clients = "many"'] });
  await expect(started).rejects.toThrow(ServerStartError);
  await expect(started).rejects.toThrow(/max_clients/);
});

test('an owner killed with SIGKILL leaves no libvirtd, no QEMU and no mount', async () => {
  await using dir = await tempDir();
  const before = libvirtMounts();
  const remains = await remainsOfKilledOwner('libvirtd', dir.path);
  expect(remains).toEqual({ started: 4, processes: [], mounts: before });
});
