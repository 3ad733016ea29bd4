/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), the client's side, without channel binding. The server proves
 * that it knows the password too: an impostor fails.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);

const hash = 'sha256';
const hashBytes = 32;
/** Below the first a password is too cheap to guess; above the second a server burns our CPU. */
const minIterations = 4_096;
const maxIterations = 1_000_000;

/** The other side does not follow the mechanism, or does not know the password. */
export class ScramError extends Error {
  override readonly name = 'ScramError';
}

export class ScramClient {
  readonly #bare: string;
  readonly #nonce: string;
  readonly #password: string;
  #serverSignature: Buffer | undefined;

  constructor(username: string, password: string, nonce = randomBytes(18).toString('base64')) {
    this.#nonce = nonce;
    this.#password = password.normalize('NFKC');
    this.#bare = `n=${escapeName(username.normalize('NFKC'))},r=${nonce}`;
  }

  /** client-first-message. */
  first(): Buffer {
    return Buffer.from(`n,,${this.#bare}`);
  }

  /** client-final-message, in answer to server-first-message. @throws {ScramError} */
  async final(serverFirst: Buffer): Promise<Buffer> {
    const challenge = serverFirst.toString('utf8');
    const fields = attributes(challenge);
    const nonce = fields.get('r') ?? '';
    const salt = Buffer.from(fields.get('s') ?? '', 'base64');
    const iterations = Number(fields.get('i'));
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw new ScramError('the server did not extend our nonce');
    }
    if (salt.length === 0) throw new ScramError('the server sent no salt');
    if (!(iterations >= minIterations && iterations <= maxIterations)) {
      throw new ScramError(
        `${iterations} iterations: outside ${minIterations} to ${maxIterations}`,
      );
    }
    const salted = await derive(this.#password, salt, iterations, hashBytes, hash);
    const clientKey = hmac(salted, 'Client Key');
    const storedKey = createHash(hash).update(clientKey).digest();
    // "biws" is the base64 of "n,,": no channel binding.
    const withoutProof = `c=biws,r=${nonce}`;
    const authMessage = `${this.#bare},${challenge},${withoutProof}`;
    const signature = hmac(storedKey, authMessage);
    const proof = clientKey.map((byte, i) => byte ^ (signature[i] ?? 0));
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), authMessage);
    return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`);
  }

  /** Checks server-final-message. @throws {ScramError} the server does not know the password */
  verify(serverFinal: Buffer): void {
    const fields = attributes(serverFinal.toString('utf8'));
    const error = fields.get('e');
    if (error !== undefined) throw new ScramError(`the server says ${error}`);
    const signature = Buffer.from(fields.get('v') ?? '', 'base64');
    const expected = this.#serverSignature;
    if (
      expected === undefined ||
      signature.length !== expected.length ||
      !timingSafeEqual(signature, expected)
    ) {
      throw new ScramError('the server does not know the password: it is not who it should be');
    }
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac(hash, key).update(text).digest();
}

/** `a=1,b=2`; the first of a name stands. A value may hold "=". */
function attributes(message: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const part of message.split(',')) {
    const name = part.slice(0, 1);
    if (part[1] === '=' && !fields.has(name)) fields.set(name, part.slice(2));
  }
  return fields;
}

function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}
