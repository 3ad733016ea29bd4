/** What a connection says about itself, its daemon and its host. No arguments, one value. */
import type { XdrReader } from '../protocol/xdr-reader.ts';
import { procedure } from './procedure.ts';

const string = (reader: XdrReader): string => reader.string();
/** A version: major × 1,000,000 + minor × 1,000 + release. */
const version = (reader: XdrReader): number => Number(reader.counter());

/** CONNECT_GET_TYPE (3) → s. */
export const connectGetType = procedure<undefined, string>({
  name: 'connectGetType',
  number: 3,
  priority: 'high',
  decode: string,
});

/** CONNECT_GET_VERSION (4) → uh. */
export const connectGetVersion = procedure<undefined, number>({
  name: 'connectGetVersion',
  number: 4,
  priority: 'high',
  decode: version,
});

/** CONNECT_GET_LIB_VERSION (157) → uh. */
export const connectGetLibVersion = procedure<undefined, number>({
  name: 'connectGetLibVersion',
  number: 157,
  priority: 'high',
  decode: version,
});

/** CONNECT_GET_HOSTNAME (59) → s. */
export const connectGetHostname = procedure<undefined, string>({
  name: 'connectGetHostname',
  number: 59,
  priority: 'high',
  decode: string,
});

/** CONNECT_GET_URI (110) → s. */
export const connectGetUri = procedure<undefined, string>({
  name: 'connectGetUri',
  number: 110,
  priority: 'high',
  decode: string,
});

/** CONNECT_GET_CAPABILITIES (7) → s. Low priority: the first one may probe for seconds. */
export const connectGetCapabilities = procedure<undefined, string>({
  name: 'connectGetCapabilities',
  number: 7,
  priority: 'low',
  decode: string,
});
