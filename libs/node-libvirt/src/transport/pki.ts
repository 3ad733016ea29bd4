/** Where the certificates lie; the places of libvirt's own client. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ConnectError } from '../errors.ts';

export type PkiFiles = {
  ca: string;
  /** Certificate and key are optional together: a daemon may not ask for them. */
  cert: string;
  key: string;
};

/** `pkipath=` names the folder of all three; else the user's own folder, else the system's. */
export function pkiFiles(pkipath: string | undefined): PkiFiles {
  const inFolder = (folder: string): PkiFiles => ({
    ca: join(folder, 'cacert.pem'),
    cert: join(folder, 'clientcert.pem'),
    key: join(folder, 'clientkey.pem'),
  });
  if (pkipath !== undefined) return inFolder(pkipath);
  const own = inFolder(join(homedir(), '.pki/libvirt'));
  if (process.getuid?.() !== 0 && existsSync(own.ca)) return own;
  return {
    ca: '/etc/pki/CA/cacert.pem',
    cert: '/etc/pki/libvirt/clientcert.pem',
    key: '/etc/pki/libvirt/private/clientkey.pem',
  };
}

export type Pki = { ca?: Buffer; cert?: Buffer; key?: Buffer };

/**
 * Reads the files. Without a CA nothing can be verified, so its absence is an error unless nothing
 * is to be verified.
 *
 * @throws {ConnectError} `certificate`, naming the file
 */
export async function readPki(address: string, files: PkiFiles, noVerify: boolean): Promise<Pki> {
  const read = async (file: string, optional: boolean): Promise<Buffer | undefined> => {
    try {
      return await readFile(file);
    } catch (cause) {
      const { code = 'unreadable' } = cause as NodeJS.ErrnoException;
      if (optional && code === 'ENOENT') return undefined;
      throw new ConnectError('certificate', address, `cannot read ${file} (${code})`, cause);
    }
  };
  const ca = await read(files.ca, noVerify);
  const cert = await read(files.cert, true);
  const key = await read(files.key, cert === undefined);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}
