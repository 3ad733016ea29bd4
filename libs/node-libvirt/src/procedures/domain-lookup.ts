/** Finding one domain. A domain that is not there is `VIR_ERR_NO_DOMAIN` (42). */
import { type Domain, readDomain } from '../protocol/identity.ts';
import { procedure } from './procedure.ts';

/** DOMAIN_LOOKUP_BY_ID (22): id i → dom. */
export const domainLookupById = procedure<number, Domain>({
  name: 'domainLookupById',
  number: 22,
  priority: 'high',
  encode: (writer, id) => {
    writer.int(id);
  },
  decode: readDomain,
});

/** DOMAIN_LOOKUP_BY_NAME (23): name s → dom. */
export const domainLookupByName = procedure<string, Domain>({
  name: 'domainLookupByName',
  number: 23,
  priority: 'high',
  encode: (writer, name) => {
    writer.string(name);
  },
  decode: readDomain,
});

/** DOMAIN_LOOKUP_BY_UUID (24): uuid[16] → dom. */
export const domainLookupByUuid = procedure<string, Domain>({
  name: 'domainLookupByUuid',
  number: 24,
  priority: 'high',
  encode: (writer, uuid) => {
    writer.uuid(uuid);
  },
  decode: readDomain,
});
