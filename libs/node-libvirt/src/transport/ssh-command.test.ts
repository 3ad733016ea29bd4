import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseUri } from '../uri.ts';
import { farScript, sshArguments } from './ssh-command.ts';

const args = (uri: string, readOnly = false): string[] => sshArguments(parseUri(uri), readOnly);
const script = (uri: string, readOnly = false): string => farScript(parseUri(uri), readOnly);

test('everything of the URI is an argument of its option, and the host comes after --', () => {
  const uri = 'qemu+ssh://root@h:2222/system?keyfile=/k&no_tty=1&no_verify=1&proxy=native';
  const options = '-p 2222 -l root -i /k -T -e none -o BatchMode=yes -o StrictHostKeyChecking=no';
  expect(args(uri)).toEqual(
    options.split(' ').concat('--', 'h', `sh -c 'virt-ssh-helper '\\''qemu:///system'\\'''`),
  );
});

test('nothing is added that was not asked for', () => {
  expect(args('qemu+ssh://h/system?proxy=native').slice(0, -1)).toEqual([
    '-T',
    '-e',
    'none',
    '--',
    'h',
  ]);
});

test('a read-only session asks the helper, or the socket, for a read-only one', () => {
  expect(script('qemu+ssh://h/system?proxy=native', true)).toBe(
    "virt-ssh-helper -r 'qemu:///system'",
  );
  expect(script('qemu+ssh://h/system?proxy=netcat', true)).toContain('/libvirt-sock-ro');
});

test('socket= and netcat= mean netcat, a session means the helper, else the far side decides', () => {
  expect(script('qemu+ssh://h/system?socket=/s')).toMatch(/-U '\/s'$/);
  expect(script('qemu+ssh://h/system?netcat=nc6')).toMatch(/^if 'nc6' -q /);
  expect(script('qemu+ssh://h/session?proxy=netcat')).toMatch(/^virt-ssh-helper /);
  expect(script('qemu+ssh://h/system?mode=direct&proxy=netcat')).toContain('/virtqemud-sock');
  expect(script('qemu+ssh://h/system')).toMatch(/^if command -v virt-ssh-helper .* fi; .*fi$/);
});

test('whatever stands in the URI reaches the far program as one word, through both shells', () => {
  const hostile = fc.string({ maxLength: 20 }).filter((s) => !s.includes('\0'));
  fc.assert(
    fc.property(hostile, (path) => {
      const uri = parseUri(
        `qemu+ssh://h/system?proxy=native&name=${encodeURIComponent(`test:///${path.replace(/[?#]/g, '')}`)}`,
      );
      const [command = ''] = sshArguments(uri, false).slice(-1);
      // printf stands in for the helper; the outer shell is the far user's login shell.
      const asked = command.replace('virt-ssh-helper', String.raw`printf %s`);
      expect(execFileSync('sh', ['-c', asked], { encoding: 'utf8' })).toBe(uri.name);
    }),
    { numRuns: 60 },
  );
});
