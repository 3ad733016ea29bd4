import { expect, test } from 'vitest';
import { fleetYaml } from './fleet-file.ts';

test('every host has its line, its URI whole, and a zone', () => {
  const long = `qemu+unix:///system?socket=/${'x'.repeat(100)}/libvirt-sock-ro`;
  const yaml = fleetYaml([
    { id: 'hv1', uri: long },
    { id: 'test1', uri: 'test:///default' },
    { id: 'local', uri: 'qemu:///system' },
  ]);
  expect(yaml).toBe(`hosts:
  - id: hv1
    uri: ${long}
    labels:
      zone: demo
  - id: test1
    uri: test:///default
    identity: hostname
    labels:
      zone: demo
  - id: local
    uri: qemu:///system
    labels:
      zone: local
`);
});
