/** The payload of a frame with status 1: libvirt's `virError`. */
import type { RemoteError } from '../errors.ts';
import { readDomain, readNetwork } from './identity.ts';
import type { XdrReader } from './xdr-reader.ts';

/**
 *     code i, domain i, message s?, level i, dom?, str1 s?, str2 s?, str3 s?, int1 i, int2 i, net?
 */
export function readRemoteError(reader: XdrReader): RemoteError {
  const code = reader.int();
  const domain = reader.int();
  const message = reader.optionalString();
  const level = reader.int();
  if (reader.present()) readDomain(reader);
  const str1 = reader.optionalString();
  const str2 = reader.optionalString();
  const str3 = reader.optionalString();
  const int1 = reader.int();
  const int2 = reader.int();
  if (reader.present()) readNetwork(reader);
  return { code, domain, message, level, str1, str2, str3, int1, int2 };
}
