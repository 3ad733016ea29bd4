/** ssh: a child process whose pipes are the transport. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { ConnectError, type ConnectFailure } from '../errors.ts';
import type { OpenTransport } from './transport.ts';

/** How long the pipes of an ssh that has ended may still bring something. */
const lastWordsMs = 200;
/** What is kept of the words that ssh says on its way. */
const maxComplaintChars = 4_096;

/**
 * ssh says why it failed in words alone: its exit status is 255 for everything, or the far
 * command's. We run it with LC_ALL=C, so the words are fixed.
 */
const complaints: readonly (readonly [RegExp, ConnectFailure])[] = [
  [/host key verification failed|host identification has changed/i, 'host-key'],
  [/permission denied|too many authentication failures|no such identity/i, 'authentication'],
  [/could not resolve hostname/i, 'not-found'],
  [/command not found|not found$|no such file or directory/im, 'not-found'],
  [/connection refused/i, 'refused'],
  [/timed out/i, 'deadline'],
];

export function openSsh(args: readonly string[], host: string): OpenTransport {
  return (sink, signal) => {
    const address = `ssh ${host}`;
    const child = spawn('ssh', args, { env: { ...process.env, LC_ALL: 'C' } });
    const complaint = listen(child);
    let spoke = false;
    let failure: Error | undefined;
    const fail = (error: Error): void => {
      failure ??= error;
    };
    child.on('error', fail);
    // A write to a process that is gone says EPIPE; its end says more.
    (child.stdin as Writable).on('error', fail);
    child.stdout.on('data', (chunk: Buffer) => {
      spoke = true;
      sink.bytes(chunk, chunk.length);
    });
    const closePipes = (): void => {
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
    };
    const destroy = (): void => {
      child.kill();
      closePipes();
    };
    // A shared master connection that ssh left behind may hold its pipes open for hours: after
    // its end they are heard out for a moment only.
    child.once('exit', () => {
      setTimeout(closePipes, lastWordsMs).unref();
    });
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', destroy, { once: true });
      // `close` comes after the pipes are drained, `exit` would cut off the last words.
      child.once('close', (code) => {
        signal.removeEventListener('abort', destroy);
        const error = spoke ? failure : sshFailure(address, complaint(), code, failure);
        if (child.pid === undefined) reject(error ?? new Error('ssh did not start'));
        else sink.ended(error);
      });
      child.once('spawn', () => {
        resolve({
          address,
          write: (bytes) => {
            if (child.stdin.writable) child.stdin.write(bytes);
          },
          end: () => {
            child.stdin.end();
          },
          destroy,
        });
        if (signal.aborted) destroy();
      });
    });
  };
}

/** Keeps the first words on stderr. */
function listen(child: ChildProcessWithoutNullStreams): () => string {
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (words.length < maxComplaintChars) words += text.slice(0, maxComplaintChars - words.length);
  });
  return () => words.trim();
}

function sshFailure(
  address: string,
  words: string,
  code: number | null,
  cause: Error | undefined,
): ConnectError {
  if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    return new ConnectError(
      'not-found',
      address,
      'there is no program "ssh" on this machine',
      cause,
    );
  }
  const reason = complaints.find(([pattern]) => pattern.test(words))?.[1] ?? 'hung-up';
  const status = code === null ? 'was ended by a signal' : `ended with status ${code}`;
  return new ConnectError(reason, address, `${words === '' ? 'no words' : words} (ssh ${status})`);
}
