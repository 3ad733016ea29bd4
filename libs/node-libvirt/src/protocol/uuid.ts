/** UUIDs: sixteen raw bytes on the wire, `8-4-4-4-12` in lower case here. */

const pattern = /^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$/;

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);
const hex = (byte: number | undefined): string => hexOfByte[byte ?? 0] ?? '00';

/** The text form of the sixteen bytes at `offset`; the caller has checked that they are there. */
export function uuidToString(b: Uint8Array, offset: number): string {
  const o = offset;
  // Plain concatenation of interned pairs: measured faster than slicing a hex dump.
  return (
    hex(b[o]) +
    hex(b[o + 1]) +
    hex(b[o + 2]) +
    hex(b[o + 3]) +
    '-' +
    hex(b[o + 4]) +
    hex(b[o + 5]) +
    '-' +
    hex(b[o + 6]) +
    hex(b[o + 7]) +
    '-' +
    hex(b[o + 8]) +
    hex(b[o + 9]) +
    '-' +
    hex(b[o + 10]) +
    hex(b[o + 11]) +
    hex(b[o + 12]) +
    hex(b[o + 13]) +
    hex(b[o + 14]) +
    hex(b[o + 15])
  );
}

const hyphen = 0x2d;

/**
 * Writes the sixteen bytes of a UUID in text to `bytes[offset, offset + 16)`. Hyphens may be left
 * out, as libvirt allows.
 *
 * @throws {TypeError} not a UUID
 */
export function writeUuid(uuid: string, bytes: Uint8Array, offset: number): void {
  if (!pattern.test(uuid)) throw new TypeError(`${JSON.stringify(uuid)} is not a UUID`);
  for (let i = 0, at = offset; i < uuid.length; i += 2) {
    if (uuid.charCodeAt(i) === hyphen) i += 1;
    bytes[at++] = (nibble(uuid.charCodeAt(i)) << 4) | nibble(uuid.charCodeAt(i + 1));
  }
}

/** Of a hexadecimal digit, either case: the low four bits of a letter count from 1. */
function nibble(code: number): number {
  return code < 0x40 ? code & 0xf : (code & 0xf) + 9;
}
