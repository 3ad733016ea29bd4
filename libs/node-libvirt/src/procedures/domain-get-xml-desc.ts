import { type Domain, writeDomain } from '../protocol/identity.ts';
import { procedure } from './procedure.ts';

/** DOMAIN_GET_XML_DESC (14): dom, flags u → s. Flags 1 and 8 need a writable connection. */
export const domainGetXmlDesc = procedure<{ domain: Domain; flags: number }, string>({
  name: 'domainGetXmlDesc',
  number: 14,
  priority: 'low',
  encode: (writer, { domain, flags }) => {
    writeDomain(writer, domain);
    writer.uint(flags);
  },
  decode: (reader) => reader.string(),
});
