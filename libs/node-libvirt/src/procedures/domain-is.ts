/** Yes-or-no questions about a domain: dom → i. */
import { type Domain, writeDomain } from '../protocol/identity.ts';
import type { XdrReader } from '../protocol/xdr-reader.ts';
import { procedure } from './procedure.ts';

const bool = (reader: XdrReader): boolean => reader.bool();

/** DOMAIN_IS_ACTIVE (150). */
export const domainIsActive = procedure<Domain, boolean>({
  name: 'domainIsActive',
  number: 150,
  priority: 'high',
  encode: writeDomain,
  decode: bool,
});

/** DOMAIN_IS_PERSISTENT (151). */
export const domainIsPersistent = procedure<Domain, boolean>({
  name: 'domainIsPersistent',
  number: 151,
  priority: 'high',
  encode: writeDomain,
  decode: bool,
});

/** DOMAIN_GET_AUTOSTART (15). */
export const domainGetAutostart = procedure<Domain, boolean>({
  name: 'domainGetAutostart',
  number: 15,
  priority: 'high',
  encode: writeDomain,
  decode: bool,
});

/** DOMAIN_HAS_MANAGED_SAVE_IMAGE (183): dom, flags u → i. */
export const domainHasManagedSaveImage = procedure<Domain, boolean>({
  name: 'domainHasManagedSaveImage',
  number: 183,
  priority: 'low',
  encode: (writer, domain) => {
    writeDomain(writer, domain);
    writer.uint(0);
  },
  decode: bool,
});
