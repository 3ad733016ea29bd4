import { connect } from 'node:net';

/**
 * REMOTE_PROC_AUTH_LIST, the first call of every libvirt connection: length, program, version,
 * procedure 66, type call, serial 0, status ok, each as a 32-bit number.
 */
const authList = Buffer.from(
  '0000001c2000808600000001000000420000000000000000' + '00000000',
  'hex',
);

/**
 * Whether somebody speaks libvirt's protocol on a Unix socket. A daemon accepts connections some
 * time before it answers; only an answer counts.
 */
export async function answersRpc(socketPath: string, timeoutMs = 2_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => socket.write(authList));
    socket.setTimeout(timeoutMs, () => socket.destroy());
    socket.on('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}
