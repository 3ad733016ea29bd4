/**
 * Any name as one NATS subject token, and back. Letters, digits, `-` and `_` stand for
 * themselves, every other UTF-8 byte becomes `=HH`. Injective, so two names never share a
 * subject; the empty name becomes `=`, as a token may not be empty.
 */
export function encodeToken(name: string): string {
  if (name === '') return '=';
  if (/^[A-Za-z0-9_-]+$/.test(name)) return name;
  let token = '';
  for (const byte of new TextEncoder().encode(name)) {
    const char = String.fromCharCode(byte);
    token += /[A-Za-z0-9_-]/.test(char)
      ? char
      : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

/** @returns the name, or undefined when `token` is nothing that {@link encodeToken} writes */
export function decodeToken(token: string): string | undefined {
  if (token === '=') return '';
  if (!/^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/.test(token)) return undefined;
  const bytes: number[] = [];
  for (let i = 0; i < token.length; i++) {
    if (token[i] === '=') {
      bytes.push(Number.parseInt(token.slice(i + 1, i + 3), 16));
      i += 2;
    } else {
      bytes.push(token.charCodeAt(i));
    }
  }
  try {
    const name = new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes));
    return encodeToken(name) === token ? name : undefined;
  } catch {
    return undefined;
  }
}
