/** A program called `ssh`, first on the PATH, in place of the real one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Puts a POSIX script on the PATH of this process as `ssh`, until disposed. */
export function fakeSsh(script: string): Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'nlv-ssh-'));
  writeFileSync(join(folder, 'ssh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const { PATH: path = '' } = process.env;
  process.env['PATH'] = `${folder}${delimiter}${path}`;
  return {
    [Symbol.dispose]: () => {
      process.env['PATH'] = path;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
