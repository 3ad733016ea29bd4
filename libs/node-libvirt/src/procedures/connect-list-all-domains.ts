import { type Domain, minDomainBytes, readDomain } from '../protocol/identity.ts';
import { maxDomains } from '../protocol/limits.ts';
import { procedure } from './procedure.ts';
import { writeListArgs } from './shared.ts';

/**
 * CONNECT_LIST_ALL_DOMAINS (273): need_results i, flags u → dom<16384>, ret u. Above the limit
 * libvirt refuses with code 1, it does not cut; also when only the number is asked for.
 */
export const connectListAllDomains = procedure<number, Domain[]>({
  name: 'connectListAllDomains',
  number: 273,
  priority: 'high',
  encode: writeListArgs,
  decode: (reader) => reader.array(maxDomains, minDomainBytes, readDomain),
});
