/** The operating system's reasons why a connection did not come about, in our words. */
import { ConnectError, type ConnectFailure } from '../errors.ts';

const failureOfErrno: Readonly<Record<string, ConnectFailure>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  ENOTFOUND: 'not-found',
  EAI_AGAIN: 'not-found',
  ENOTSOCK: 'refused',
  ECONNREFUSED: 'refused',
  // Linux says so when a UNIX socket's queue of clients to be accepted is full.
  EAGAIN: 'refused',
  EACCES: 'permission',
  EPERM: 'permission',
  ECONNRESET: 'hung-up',
  EPIPE: 'hung-up',
  ETIMEDOUT: 'deadline',
};

const adviceOn: Readonly<Partial<Record<ConnectFailure, string>>> = {
  'not-found': 'nothing is there; is libvirtd installed, and its socket unit enabled?',
  refused: 'nobody listens there, or too many wait already; is libvirtd running?',
  permission: 'this user may not open it; join the group that owns it, or use the read-only socket',
  deadline: 'no answer in time',
  unreachable: 'it cannot be reached',
  'hung-up': "it hung up; libvirtd's log says why",
};

export function connectFailure(address: string, error: NodeJS.ErrnoException): ConnectError {
  const reason = failureOfErrno[error.code ?? ''] ?? 'unreachable';
  const advice = adviceOn[reason] ?? reason;
  return new ConnectError(reason, address, `${advice} (${error.code ?? error.message})`, error);
}
