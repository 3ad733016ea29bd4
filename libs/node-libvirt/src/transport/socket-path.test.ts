import { expect, test } from 'vitest';
import { parseUri } from '../uri.ts';
import { socketPath } from './socket-path.ts';

function pick(uri: string, readOnly: boolean, ...present: string[]): string {
  return socketPath(parseUri(uri), readOnly, {
    systemFolder: '/sys',
    sessionFolder: '/user',
    exists: (path) => present.includes(path),
  });
}

test('socket= is taken as it is', () => {
  expect(pick('qemu:///system?socket=/x/y', true, '/sys/virtqemud-sock-ro')).toBe('/x/y');
});

test("the driver's own daemon comes first where its socket is there", () => {
  expect(pick('qemu:///system', false, '/sys/virtqemud-sock', '/sys/libvirt-sock')).toBe(
    '/sys/virtqemud-sock',
  );
  expect(pick('qemu:///system', true, '/sys/virtqemud-sock-ro')).toBe('/sys/virtqemud-sock-ro');
  expect(pick('network:///system', true, '/sys/virtnetworkd-sock-ro')).toBe(
    '/sys/virtnetworkd-sock-ro',
  );
});

test("else it is libvirtd's, there or not", () => {
  expect(pick('qemu:///system', false, '/sys/libvirt-sock')).toBe('/sys/libvirt-sock');
  expect(pick('qemu:///system', true)).toBe('/sys/libvirt-sock-ro');
});

test('a driver without a daemon of its own is in libvirtd', () => {
  expect(pick('test:///default', false)).toBe('/sys/libvirt-sock');
});

test('mode= settles it', () => {
  expect(pick('qemu:///system?mode=legacy', false, '/sys/virtqemud-sock')).toBe(
    '/sys/libvirt-sock',
  );
  expect(pick('qemu:///system?mode=direct', false)).toBe('/sys/virtqemud-sock');
});

test("a session's daemon has no read-only socket", () => {
  expect(pick('qemu:///session', true, '/user/virtqemud-sock')).toBe('/user/virtqemud-sock');
  expect(pick('qemu:///session', true)).toBe('/user/libvirt-sock');
});
