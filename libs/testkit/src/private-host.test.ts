import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { libvirtdConf, withAccount } from './private-host.ts';
import { tempDir } from './temp-dir.ts';

test('an account is added only where its name is missing', async () => {
  await using dir = await tempDir();
  const file = join(dir.path, 'passwd');
  writeFileSync(file, 'root:x:0:0::/root:/bin/sh\nlibvirt-qemu2:x:1:1::/:/bin/false');
  expect(withAccount(file, 'root:x:5:5::/:/bin/sh')).toBe(undefined);
  expect(withAccount(file, 'libvirt-qemu:x:2:2::/:/bin/false')).toBe(
    'root:x:0:0::/root:/bin/sh\nlibvirt-qemu2:x:1:1::/:/bin/false\nlibvirt-qemu:x:2:2::/:/bin/false\n',
  );
});

test("the caller's lines of libvirtd.conf come before the launcher's", () => {
  const conf = libvirtdConf('0a', ['max_clients = 5']).split('\n');
  expect(conf[0]).toBe('max_clients = 5');
  expect(conf).toContain('host_uuid = "0a"');
});
