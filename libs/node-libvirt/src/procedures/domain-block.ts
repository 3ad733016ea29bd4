/** A domain's disks. `path` is the target (`vda`) or the source. */
import { type Domain, writeDomain } from '../protocol/identity.ts';
import { readTypedParameters, type TypedParameters } from '../protocol/typed-parameter.ts';
import type { Counter } from '../protocol/xdr-reader.ts';
import { procedure } from './procedure.ts';
import { writeDomainAndZero } from './shared.ts';

type Disk = { domain: Domain; path: string };

export type DomainBlockInfo = {
  /** What the guest sees. */
  capacityBytes: Counter;
  /** Highest written offset while running. */
  allocationBytes: Counter;
  /** Size of its file or device on the host. */
  physicalBytes: Counter;
};

/** DOMAIN_GET_BLOCK_INFO (194): dom, path s, flags u → allocation uh, capacity uh, physical uh. */
export const domainGetBlockInfo = procedure<Disk, DomainBlockInfo>({
  name: 'domainGetBlockInfo',
  number: 194,
  priority: 'low',
  encode: (writer, { domain, path }) => {
    writeDomain(writer, domain);
    writer.string(path);
    writer.uint(0);
  },
  decode: (reader) => {
    const allocationBytes = reader.counter();
    const capacityBytes = reader.counter();
    return { capacityBytes, allocationBytes, physicalBytes: reader.counter() };
  },
});

/** -1 where the hypervisor does not count. */
export type DomainBlockStats = {
  readRequests: Counter;
  readBytes: Counter;
  writeRequests: Counter;
  writeBytes: Counter;
  errors: Counter;
};

/** DOMAIN_BLOCK_STATS (64): dom, path s → rd_req h, rd_bytes h, wr_req h, wr_bytes h, errs h. */
export const domainBlockStats = procedure<Disk, DomainBlockStats>({
  name: 'domainBlockStats',
  number: 64,
  priority: 'low',
  encode: (writer, { domain, path }) => {
    writeDomain(writer, domain);
    writer.string(path);
  },
  decode: (reader) => ({
    readRequests: reader.signedCounter(),
    readBytes: reader.signedCounter(),
    writeRequests: reader.signedCounter(),
    writeBytes: reader.signedCounter(),
    errors: reader.signedCounter(),
  }),
});

export type CountedParameters = { params: TypedParameters; count: number };

const maxBlockStats = 16;

/**
 * DOMAIN_BLOCK_STATS_FLAGS (243): dom, path s, nparams i, flags u → tp<16>, nparams i. With nparams
 * 0 it only says how many there are.
 */
export const domainBlockStatsFlags = procedure<Disk & { count: number }, CountedParameters>({
  name: 'domainBlockStatsFlags',
  number: 243,
  priority: 'low',
  encode: (writer, { domain, path, count }) => {
    writeDomain(writer, domain);
    writer.string(path);
    writer.int(count);
    writer.uint(0);
  },
  decode: (reader) => ({
    params: readTypedParameters(reader, maxBlockStats),
    count: reader.int(),
  }),
});

export type DomainDiskError = {
  /** Target: `vda`. */
  disk: string;
  /** 1 unspecified, 2 no space. */
  error: number;
};

const maxDiskErrors = 256;

/** DOMAIN_GET_DISK_ERRORS (263): dom, maxerrors u, flags u → {disk s, error i}<256>, nerrors i. */
export const domainGetDiskErrors = procedure<Domain, DomainDiskError[]>({
  name: 'domainGetDiskErrors',
  number: 263,
  priority: 'low',
  encode: (writer, domain) => {
    writeDomain(writer, domain);
    writer.uint(maxDiskErrors);
    writer.uint(0);
  },
  decode: (reader) =>
    reader.array(maxDiskErrors, 8, () => ({ disk: reader.string(), error: reader.int() })),
});

const maxMessages = 2_048;

/** DOMAIN_GET_MESSAGES (426): dom, flags u → s<2048>. Since libvirt 7.1.0. */
export const domainGetMessages = procedure<Domain, string[]>({
  name: 'domainGetMessages',
  number: 426,
  priority: 'low',
  encode: writeDomainAndZero,
  decode: (reader) => reader.array(maxMessages, 4, () => reader.string()),
});
