/** What a connection says about itself, its daemon and its host. */
import type { XdrReader } from '../protocol/xdr-reader.ts';
import { procedure } from './procedure.ts';
import { readBool, readInt, readString, writeFlags } from './shared.ts';

/** A version: major × 1,000,000 + minor × 1,000 + release. */
const readVersion = (reader: XdrReader): number => Number(reader.counter());

/** CONNECT_GET_TYPE (3) → s. */
export const connectGetType = procedure<undefined, string>({
  name: 'connectGetType',
  number: 3,
  priority: 'high',
  decode: readString,
});

/** CONNECT_GET_VERSION (4) → uh. */
export const connectGetVersion = procedure<undefined, number>({
  name: 'connectGetVersion',
  number: 4,
  priority: 'high',
  decode: readVersion,
});

/** CONNECT_GET_LIB_VERSION (157) → uh. */
export const connectGetLibVersion = procedure<undefined, number>({
  name: 'connectGetLibVersion',
  number: 157,
  priority: 'high',
  decode: readVersion,
});

/** CONNECT_GET_HOSTNAME (59) → s. */
export const connectGetHostname = procedure<undefined, string>({
  name: 'connectGetHostname',
  number: 59,
  priority: 'high',
  decode: readString,
});

/** CONNECT_GET_URI (110) → s. */
export const connectGetUri = procedure<undefined, string>({
  name: 'connectGetUri',
  number: 110,
  priority: 'high',
  decode: readString,
});

/** CONNECT_GET_SYSINFO (203): flags u → s. */
export const connectGetSysinfo = procedure<number, string>({
  name: 'connectGetSysinfo',
  number: 203,
  priority: 'high',
  encode: writeFlags,
  decode: readString,
});

/** CONNECT_IS_SECURE (149) → i. */
export const connectIsSecure = procedure<undefined, boolean>({
  name: 'connectIsSecure',
  number: 149,
  priority: 'high',
  decode: readBool,
});

/** CONNECT_GET_MAX_VCPUS (5): type s? → i. */
export const connectGetMaxVcpus = procedure<string | undefined, number>({
  name: 'connectGetMaxVcpus',
  number: 5,
  priority: 'high',
  encode: (writer, type) => {
    writer.optionalString(type);
  },
  decode: readInt,
});
