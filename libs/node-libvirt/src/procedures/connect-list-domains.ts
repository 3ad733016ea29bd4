/** The older lists, in two steps: how many, then their ids or names. A race lies between the two. */
import type { XdrReader } from '../protocol/xdr-reader.ts';
import type { XdrWriter } from '../protocol/xdr-writer.ts';
import { maxDomains } from '../protocol/limits.ts';
import { procedure } from './procedure.ts';
import { readInt, readString } from './shared.ts';

const writeMax = (writer: XdrWriter): void => {
  writer.int(maxDomains);
};

/** CONNECT_NUM_OF_DOMAINS (51) → i: those that run. */
export const connectNumOfDomains = procedure<undefined, number>({
  name: 'connectNumOfDomains',
  number: 51,
  priority: 'high',
  decode: readInt,
});

/** CONNECT_NUM_OF_DEFINED_DOMAINS (25) → i: those that do not. */
export const connectNumOfDefinedDomains = procedure<undefined, number>({
  name: 'connectNumOfDefinedDomains',
  number: 25,
  priority: 'high',
  decode: readInt,
});

/** CONNECT_LIST_DOMAINS (37): max i → ids i<16384>. */
export const connectListDomains = procedure<undefined, number[]>({
  name: 'connectListDomains',
  number: 37,
  priority: 'high',
  encode: writeMax,
  decode: (reader: XdrReader) => reader.array(maxDomains, 4, readInt),
});

/** CONNECT_LIST_DEFINED_DOMAINS (21): max i → names s<16384>. */
export const connectListDefinedDomains = procedure<undefined, string[]>({
  name: 'connectListDefinedDomains',
  number: 21,
  priority: 'high',
  encode: writeMax,
  decode: (reader: XdrReader) => reader.array(maxDomains, 4, readString),
});
