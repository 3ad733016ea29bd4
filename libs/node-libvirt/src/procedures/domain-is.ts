/** Yes-or-no questions about a domain: dom → i. */
import { type Domain, writeDomain } from '../protocol/identity.ts';
import { procedure } from './procedure.ts';
import { readBool, writeDomainAndZero } from './shared.ts';

/** DOMAIN_IS_ACTIVE (150). */
export const domainIsActive = procedure<Domain, boolean>({
  name: 'domainIsActive',
  number: 150,
  priority: 'high',
  encode: writeDomain,
  decode: readBool,
});

/** DOMAIN_IS_PERSISTENT (151). */
export const domainIsPersistent = procedure<Domain, boolean>({
  name: 'domainIsPersistent',
  number: 151,
  priority: 'high',
  encode: writeDomain,
  decode: readBool,
});

/** DOMAIN_IS_UPDATED (202). */
export const domainIsUpdated = procedure<Domain, boolean>({
  name: 'domainIsUpdated',
  number: 202,
  priority: 'high',
  encode: writeDomain,
  decode: readBool,
});

/** DOMAIN_GET_AUTOSTART (15). */
export const domainGetAutostart = procedure<Domain, boolean>({
  name: 'domainGetAutostart',
  number: 15,
  priority: 'high',
  encode: writeDomain,
  decode: readBool,
});

/** DOMAIN_HAS_MANAGED_SAVE_IMAGE (183): dom, flags u → i. */
export const domainHasManagedSaveImage = procedure<Domain, boolean>({
  name: 'domainHasManagedSaveImage',
  number: 183,
  priority: 'low',
  encode: writeDomainAndZero,
  decode: readBool,
});
