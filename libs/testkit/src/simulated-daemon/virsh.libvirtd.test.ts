/** libvirt's own client is the judge of whether the simulation is a libvirtd. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startCountingProxy } from '../counting-proxy/counting-proxy.ts';
import { answersRpc } from '../libvirt-probe.ts';
import { tempDir } from '../temp-dir.ts';
import { socketUri, virsh } from '../virsh.ts';
import { waitFor } from '../wait-for.ts';
import { startSimulatedDaemon } from './server.ts';

const hostUuid = '4c4c4544-0042-3510-8052-b4c04f4e3732';

test('virsh takes the simulation for a libvirtd', async () => {
  await using dir = await tempDir();
  await using daemon = await startSimulatedDaemon({
    socketPath: join(dir.path, 'sock'),
    hostname: 'hv1.test',
    hostUuid,
    domains: [
      { name: 'web', title: 'Front <door>', metadata: { 'http://x/y': "<x xmlns='http://x/y'/>" } },
      { name: 'paused', state: 'paused', vcpus: 2 },
      { name: 'off', state: 'shutoff', autostart: true },
    ],
  });
  const ask = (...args: string[]): Promise<string> => virsh(daemon.uri, args);
  expect((await ask('hostname')).trim()).toBe('hv1.test');
  expect(await ask('version')).toContain('Running hypervisor: QEMU 7.2.22');
  expect(await ask('nodeinfo')).toMatch(/CPU\(s\): +64/);
  expect(await ask('capabilities')).toContain(`<uuid>${hostUuid}</uuid>`);
  expect(await ask('list', '--all', '--title')).toMatch(
    /1 +web +running +Front <door>\s+2 +paused +paused\s+- +off +shut off/,
  );
  expect((await ask('list', '--all', '--autostart', '--name')).trim()).toBe('off');
  expect(await ask('dominfo', 'paused')).toMatch(/CPU\(s\): +2/);
  expect(await ask('dominfo', 'off')).toMatch(/Autostart: +enable/);
  expect((await ask('domstate', 'web', '--reason')).trim()).toBe('running (booted)');
  expect(await ask('dumpxml', 'web')).toContain('<title>Front &lt;door&gt;</title>');
  expect(await ask('dumpxml', '--xpath', '//target/@dev', 'web')).toContain('vnet1');
  expect(await ask('metadata', 'web', 'http://x/y')).toContain('http://x/y');
  expect(await ask('domstats', 'web')).toMatch(/block\.0\.rd\.bytes=\d+/);
  expect(await ask('domblklist', 'web')).toContain('/var/lib/libvirt/images/web.qcow2');
  expect(await ask('domiflist', 'web')).toMatch(/vnet1 +network +default/);
  expect((await ask('domcontrol', 'web')).trim()).toBe('ok');
  expect(await ask('domjobinfo', 'web')).toMatch(/Job type: +None/);
  await expect(ask('dominfo', 'nobody')).rejects.toThrow(/failed to get domain/);
  await ask('suspend', 'web');
  expect((await ask('domstate', 'web')).trim()).toBe('paused');
  await ask('managedsave', 'web');
  expect(await ask('dominfo', 'web')).toMatch(/Managed save: +yes/);
  await ask('start', 'web');
  await ask('undefine', 'off');
  expect((await ask('list', '--all', '--name')).trim().split('\n')).toEqual(['paused', 'web']);
  await expect(virsh(daemon.uri, ['-r', 'destroy', 'web'])).rejects.toThrow(/read only access/);
});

test('virsh hears of what happens to domains', async () => {
  await using dir = await tempDir();
  await using daemon = await startSimulatedDaemon({
    socketPath: join(dir.path, 'sock'),
    hostname: 'hv1.test',
    domains: [{ name: 'vm' }],
  });
  await using proxy = await startCountingProxy({ target: daemon.socketPath });
  const watch = spawn(
    'virsh',
    ['-c', socketUri('qemu', proxy.socket), 'event', '--all', '--loop', '--timeout', '30'],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, LC_ALL: 'C' } },
  );
  let heard = '';
  watch.stdout.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
  });
  await waitFor(() => proxy.bill().replies['connectDomainEventCallbackRegisterAny'] === 27, {
    what: 'virsh to register for everything',
  });
  daemon.suspend('vm');
  daemon.resume('vm');
  daemon.reset('vm');
  daemon.setTitle('vm', 'new');
  daemon.attachDisk('vm', { target: 'vdb', path: '/x', capacityBytes: 1 });
  daemon.destroy('vm');
  daemon.undefine('vm');
  await waitFor(() => heard.includes('Undefined'), { what: 'the last event' });
  const ended = once(watch, 'close');
  watch.kill('SIGINT');
  await ended;
  expect(
    [...heard.matchAll(/^event '([a-z-]+)' for domain 'vm'(?:: (.*))?$/gm)].map(
      ([, kind, what]) => [kind, what],
    ),
  ).toEqual([
    ['lifecycle', 'Suspended Paused'],
    ['lifecycle', 'Resumed Unpaused'],
    ['reboot', undefined],
    ['metadata-change', 'type title, uri <null>'],
    ['device-added', 'virtio-disk1'],
    ['lifecycle', 'Shutdown Finished after host request'],
    ['lifecycle', 'Stopped Destroyed'],
    ['lifecycle', 'Undefined Removed'],
  ]);
});

test.each([500, 10_000])('virsh lists %i domains and reads all their stats', async (domains) => {
  await using dir = await tempDir();
  await using daemon = await startSimulatedDaemon({
    socketPath: join(dir.path, 'sock'),
    hostname: 'hv1.test',
    domains,
  });
  const names = (await virsh(daemon.uri, ['list', '--name'])).trim().split('\n');
  expect(names).toHaveLength(domains);
  const stats = await virsh(daemon.uri, ['domstats']);
  expect(stats.match(/^Domain: /gm)).toHaveLength(domains);
  expect(stats.match(/block\.0\.wr\.bytes=\d+$/gm)).toHaveLength(domains);
});

test('the command serves as many hosts as it is told, until it is told to end', async () => {
  await using dir = await tempDir();
  const command = join(import.meta.dirname, 'main.ts');
  const args = ['--hosts', '3', '--domains', '2', '--dir', dir.path];
  const fleet = spawn(process.execPath, [command, ...args], { stdio: 'ignore' });
  const sockets = [1, 2, 3].map((number) => join(dir.path, `hv${number}.sock`));
  const ended = once(fleet, 'exit');
  try {
    const last = sockets[2] as string;
    await waitFor(() => answersRpc(last), { what: 'the last daemon' });
    const answers = await Promise.all(
      sockets.map(async (socket) => {
        const uri = socketUri('qemu', socket);
        const list = await virsh(uri, ['list', '--name']);
        return [(await virsh(uri, ['hostname'])).trim(), list.trim()];
      }),
    );
    expect(answers).toEqual([1, 2, 3].map((n) => [`hv${n}.test`, 'vm00001\nvm00002']));
  } finally {
    fleet.kill('SIGTERM');
  }
  expect(await ended).toEqual([0, null]);
  expect(sockets.filter((socket) => existsSync(socket))).toEqual([]);
});
