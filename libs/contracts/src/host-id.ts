import { z } from 'zod';

/**
 * A host's id: configured by the operator and the key everywhere. Machine UUIDs and host names
 * repeat in real fleets, and a dot would split a NATS subject; a host's FQDN goes into `address`.
 */
export const hostIdPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

export const hostIdSchema = z
  .string()
  .regex(hostIdPattern, 'a host id has 1 to 63 letters, digits, "_" or "-", the first no sign')
  .meta({ id: 'HostId' });

export type HostId = string;

/** Stands where a host's id does, of events that no single host tells. No host can be named so. */
export const fleetHost = '_fleet';

/** libvirt's UUIDs are any 16 bytes: no RFC version bits are promised. Always lower case here. */
export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const uuidSchema = z
  .string()
  .regex(uuidPattern, 'a UUID in lower case: 8-4-4-4-12 hexadecimal digits')
  .meta({ id: 'DomainUuid' });

export type DomainUuid = string;
