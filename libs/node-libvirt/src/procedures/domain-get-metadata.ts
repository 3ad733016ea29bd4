import { type Domain, writeDomain } from '../protocol/identity.ts';
import { procedure } from './procedure.ts';
import { readString } from './shared.ts';

export type MetadataArgs = {
  domain: Domain;
  /** `VIR_DOMAIN_METADATA_*`. */
  type: number;
  /** Namespace of the element, for `VIR_DOMAIN_METADATA_ELEMENT`. */
  uri?: string | undefined;
  flags?: number | undefined;
};

/** DOMAIN_GET_METADATA (265): dom, type i, uri s?, flags u → s. */
export const domainGetMetadata = procedure<MetadataArgs, string>({
  name: 'domainGetMetadata',
  number: 265,
  priority: 'low',
  encode: (writer, { domain, type, uri, flags = 0 }) => {
    writeDomain(writer, domain);
    writer.int(type);
    writer.optionalString(uri);
    writer.uint(flags);
  },
  decode: readString,
});
