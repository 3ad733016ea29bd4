/** Certificates for tests, by openssl: a CA, a server's for 127.0.0.1 and localhost, a client's. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** libvirt's GnuTLS wants both usages of a key, of EC keys too. */
const usage = 'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment';
const extensions = {
  server: `${usage}\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n`,
  client: `${usage}\nextendedKeyUsage=clientAuth\n`,
};

/** Makes `folder` what `pkipath=` wants, with the server's own files beside. */
export function makePki(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const openssl = (args: string): void => {
    execFileSync('openssl', args.split(' '), { cwd: folder, stdio: 'pipe' });
  };
  const makeKey = (name: string): void => {
    openssl(`ecparam -name prime256v1 -genkey -noout -out ${name}key.pem`);
  };
  makeKey('ca');
  openssl(
    'req -x509 -new -key cakey.pem -days 30 -subj /CN=test-CA -out cacert.pem' +
      ' -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign',
  );
  for (const who of ['server', 'client'] as const) {
    makeKey(who);
    writeFileSync(join(folder, `${who}.ext`), extensions[who]);
    openssl(`req -new -key ${who}key.pem -subj /CN=${who} -out ${who}.csr`);
    openssl(
      `x509 -req -in ${who}.csr -CA cacert.pem -CAkey cakey.pem -CAcreateserial -days 30` +
        ` -extfile ${who}.ext -out ${who}cert.pem`,
    );
  }
}

/** A pkipath with some files of one and some of another. */
export function mixPki(folder: string, files: Record<string, string>): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, source] of Object.entries(files)) copyFileSync(source, join(folder, name));
  return folder;
}
