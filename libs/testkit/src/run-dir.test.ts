import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runDirFor } from './run-dir.ts';
import { ServerStartError } from './server-process.ts';
import { tempDir } from './temp-dir.ts';
import { socketUri } from './virsh.ts';

test('sockets lie in the folder itself when their paths are short enough', () => {
  expect(runDirFor('/srv/hv1')).toBe('/srv/hv1/run');
});

test('when every folder is too deep the error says how much room there is', async () => {
  await using dir = await tempDir();
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = join(dir.path, 'd'.repeat(100));
  try {
    const deep = `/srv/${'e'.repeat(100)}`;
    expect(() => runDirFor(deep)).toThrow(ServerStartError);
    expect(() => runDirFor(deep)).toThrow(/107 bytes/);
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
});

test('a socket whose path has odd characters keeps them through the URI', () => {
  const uri = new URL(socketUri('qemu', '/srv/a b&c#d?e/libvirt-sock-ro'));
  expect(uri.searchParams.get('socket')).toBe('/srv/a b&c#d?e/libvirt-sock-ro');
  expect(socketUri('test', '/run/s')).toBe('test+unix:///default?socket=/run/s');
});
