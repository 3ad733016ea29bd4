import { expect, test } from 'vitest';
import { simulatedPackages } from './apt.ts';
import { libvirtVersionIn, mirrorOf } from './debian-13.ts';
import { installCommand, systemUnits } from './system-packages.ts';
import { natsVersionIn } from './unpacked-servers.ts';

test('what apt would install is read from its simulation', () => {
  const printed = `NOTE: This is only a simulation!
Inst liblzf1 (3.6-3 Debian:12.15/oldstable [amd64])
Inst redis-tools (5:7.0.15-1~deb12u10 Debian-Security:12/oldstable-security [amd64])
Inst libssl3 [3.0.1-1] (3.0.2-1 Debian-Security:12/oldstable-security [amd64])
Conf liblzf1 (3.6-3 Debian:12.15/oldstable [amd64])
`;
  expect(simulatedPackages(printed)).toEqual([
    { name: 'liblzf1', upgrade: false },
    { name: 'redis-tools', upgrade: false },
    { name: 'libssl3', upgrade: true },
  ]);
  expect(simulatedPackages('')).toEqual([]);
});

test("the mirror is the machine's own one of the main archive", () => {
  const targets = `Debian Debian-Security main http://mirror.example/debian-security/
Other Other main http://other.example/debian/
Debian Debian main http://mirror.example/debian/
`;
  expect(mirrorOf(targets)).toBe('http://mirror.example/debian/');
  expect(mirrorOf('Ubuntu Ubuntu main http://archive.example/ubuntu/')).toBe(undefined);
});

test('the version line of nats-server decides its folder', () => {
  expect(natsVersionIn('nats-server: v2.9.10\n')).toEqual({ line: '2.9', full: '2.9.10' });
  expect(natsVersionIn('nats-server: v2.10.27')).toEqual({ line: '2.10', full: '2.10.27' });
  expect(() => natsVersionIn('no')).toThrow(/no version/);
});

test("libvirt's own word decides whether it is the version that was wanted", () => {
  expect(libvirtVersionIn('libvirtd (libvirt) 11.3.0\n')).toBe('11.3.0');
  expect(() => libvirtVersionIn('no')).toThrow(/no version/);
});

test('units that could start at boot are found among the files of packages', () => {
  const files = `/usr/bin/x
/lib/systemd/system/libvirtd.service
/usr/lib/systemd/system/libvirtd.socket
/lib/systemd/system/redis-server@.service
/lib/systemd/system/x.service.d/y.conf
`;
  expect(systemUnits(files)).toEqual(['libvirtd.service', 'libvirtd.socket']);
});

test('the command for a user without root keeps recommended services out', () => {
  expect(installCommand(['tini', 'libvirt-daemon'])).toBe(
    'apt-get install --yes --no-install-recommends tini libvirt-daemon',
  );
});
