/**
 * What the agent in the guest says. libvirt refuses all of these on a read-only connection, and
 * they wait for an agent that may not answer.
 */
import { type Domain, writeDomain } from '../protocol/identity.ts';
import { readTypedParameters, type TypedParameters } from '../protocol/typed-parameter.ts';
import type { Counter } from '../protocol/xdr-reader.ts';
import { procedure } from './procedure.ts';
import {
  type DomainAndFlags,
  readString,
  writeDomainAndFlags,
  writeDomainAndZero,
} from './shared.ts';

const maxGuestInfo = 2_048;

/** DOMAIN_GET_GUEST_INFO (418): dom, types u, flags u → tp<2048>. */
export const domainGetGuestInfo = procedure<{ domain: Domain; types: number }, TypedParameters>({
  name: 'domainGetGuestInfo',
  number: 418,
  priority: 'low',
  access: 'write',
  encode: (writer, { domain, types }) => {
    writeDomain(writer, domain);
    writer.uint(types);
    writer.uint(0);
  },
  decode: (reader) => readTypedParameters(reader, maxGuestInfo),
});

/** DOMAIN_GET_HOSTNAME (277): dom, flags u → s. */
export const domainGetHostname = procedure<DomainAndFlags, string>({
  name: 'domainGetHostname',
  number: 277,
  priority: 'low',
  access: 'write',
  encode: writeDomainAndFlags,
  decode: readString,
});

export type DomainTime = { seconds: Counter; nanoseconds: number };

/** DOMAIN_GET_TIME (337): dom, flags u → seconds h, nseconds u. */
export const domainGetTime = procedure<Domain, DomainTime>({
  name: 'domainGetTime',
  number: 337,
  priority: 'low',
  access: 'write',
  encode: writeDomainAndZero,
  decode: (reader) => ({ seconds: reader.signedCounter(), nanoseconds: reader.uint() }),
});

export type DomainFsInfo = {
  mountpoint: string;
  name: string;
  fstype: string;
  /** Targets of the disks below it. */
  devAliases: string[];
};

const maxFsInfos = 1_024;
const maxFsDisks = 256;

/** DOMAIN_GET_FSINFO (349): dom, flags u → {mountpoint s, name s, fstype s, s<256>}<1024>, ret u. */
export const domainGetFsInfo = procedure<Domain, DomainFsInfo[]>({
  name: 'domainGetFsInfo',
  number: 349,
  priority: 'low',
  access: 'write',
  encode: writeDomainAndZero,
  decode: (reader) =>
    reader.array(maxFsInfos, 16, () => ({
      mountpoint: reader.string(),
      name: reader.string(),
      fstype: reader.string(),
      devAliases: reader.array(maxFsDisks, 4, readString),
    })),
});
