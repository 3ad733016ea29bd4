import { procedure } from './procedure.ts';
import { type DomainAndFlags, readString, writeDomainAndFlags } from './shared.ts';

/** DOMAIN_GET_XML_DESC (14): dom, flags u → s. Flags 1 and 8 need a writable connection. */
export const domainGetXmlDesc = procedure<DomainAndFlags, string>({
  name: 'domainGetXmlDesc',
  number: 14,
  priority: 'low',
  encode: writeDomainAndFlags,
  decode: readString,
});
