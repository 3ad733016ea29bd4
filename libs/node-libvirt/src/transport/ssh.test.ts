import { expect, test } from 'vitest';
import { connect, type ConnectOptions } from '../connect.ts';
import { ConnectError } from '../errors.ts';
import { fakeSsh } from '../testing/fake-ssh.ts';

async function failure(options?: ConnectOptions): Promise<ConnectError> {
  const error = await connect('qemu+ssh://h/system', options).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

test.each([
  ['Host key verification failed.', 255, 'host-key'],
  ['root@h: Permission denied (publickey).', 255, 'authentication'],
  ['ssh: Could not resolve hostname h: Name or service not known', 255, 'not-found'],
  ['ssh: connect to host h port 22: Connection refused', 255, 'refused'],
  ['ssh: connect to host h port 22: Connection timed out', 255, 'deadline'],
  ['sh: 1: virt-ssh-helper: not found', 127, 'not-found'],
  ['', 1, 'hung-up'],
] as const)('ssh says "%s" (%i): %s', async (words, status, reason) => {
  using _ = fakeSsh(`echo '${words}' >&2; exit ${status}`);
  const error = await failure();
  expect(error).toMatchObject({ reason, address: 'ssh h' });
  expect(error.message).toContain(words);
});

test('an ssh that hangs is given up at the deadline, and ended', async () => {
  using _ = fakeSsh('exec sleep 1000');
  const error = await failure({ connectTimeoutMs: 100 });
  expect(error.reason).toBe('deadline');
});

test('an ssh that leaves somebody behind with its pipes does not hold us up', async () => {
  using _ = fakeSsh("(exec sleep 5) & echo 'Permission denied' >&2; exit 255");
  expect((await failure({ connectTimeoutMs: 3_000 })).reason).toBe('authentication');
});

test('a chatty ssh does not fill our memory', async () => {
  using _ = fakeSsh("head -c 10000000 /dev/zero | tr '\\0' x >&2; exit 255");
  expect((await failure()).message.length).toBeLessThan(5_000);
});

test('what a far login script prints before the protocol is recognised', async () => {
  using _ = fakeSsh('echo Welcome to this machine, enjoy your stay; cat >/dev/null');
  expect((await failure()).reason).toBe('protocol');
});

test('no ssh on this machine is said so', async () => {
  const { PATH: path = '' } = process.env;
  process.env['PATH'] = '/nonexistent';
  const error = failure();
  process.env['PATH'] = path;
  expect((await error).message).toContain('no program "ssh"');
});
