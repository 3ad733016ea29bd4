/** Secrets: that they exist, and for what. Their values are not read. */
import { minSecretBytes, readSecret, type Secret, writeSecret } from '../protocol/identity.ts';
import { procedure } from './procedure.ts';
import { readString, writeListArgs, writeUuid } from './shared.ts';

const maxSecrets = 16_384;

/** CONNECT_LIST_ALL_SECRETS (287): need_results i, flags u → secret<16384>, ret u. */
export const connectListAllSecrets = procedure<number, Secret[]>({
  name: 'connectListAllSecrets',
  number: 287,
  priority: 'high',
  encode: writeListArgs,
  decode: (reader) => reader.array(maxSecrets, minSecretBytes, readSecret),
});

/** SECRET_LOOKUP_BY_UUID (141): uuid[16] → secret. */
export const secretLookupByUuid = procedure<string, Secret>({
  name: 'secretLookupByUuid',
  number: 141,
  priority: 'high',
  encode: writeUuid,
  decode: readSecret,
});

/** SECRET_LOOKUP_BY_USAGE (147): usageType i, usageID s → secret. */
export const secretLookupByUsage = procedure<{ usageType: number; usageId: string }, Secret>({
  name: 'secretLookupByUsage',
  number: 147,
  priority: 'high',
  encode: (writer, { usageType, usageId }) => {
    writer.int(usageType);
    writer.string(usageId);
  },
  decode: readSecret,
});

/** SECRET_GET_XML_DESC (143): secret, flags u → s. */
export const secretGetXmlDesc = procedure<Secret, string>({
  name: 'secretGetXmlDesc',
  number: 143,
  priority: 'high',
  encode: (writer, secret) => {
    writeSecret(writer, secret);
    writer.uint(0);
  },
  decode: readString,
});
