import { type Domain, minDomainBytes, readDomain, writeDomain } from '../protocol/identity.ts';
import { maxDomains, maxStatsParameters } from '../protocol/limits.ts';
import { readTypedParameters, type TypedParameters } from '../protocol/typed-parameter.ts';
import type { XdrWriter } from '../protocol/xdr-writer.ts';
import { DomainStatsColumns } from '../protocol/stats-columns.ts';
import { procedure } from './procedure.ts';

export type AllDomainStatsArgs = {
  /**
   * Only these, by uuid; empty or absent: all that pass the flags. One that does not exist is left
   * out of the answer, without an error.
   */
  domains?: readonly Domain[];
  /** Groups: `VIR_DOMAIN_STATS_*` ORed; 0 asks for all that the driver has. */
  stats: number;
  /** `VIR_CONNECT_GET_ALL_DOMAINS_STATS_*` ORed. */
  flags?: number;
};

export type DomainStatsRecord = {
  /** Name and id as they are now. */
  domain: Domain;
  /** `cpu.time`, `block.0.rd.bytes` … Absent is unknown, never zero. */
  params: TypedParameters;
};

function writeArgs(
  writer: XdrWriter,
  { domains = [], stats, flags = 0 }: AllDomainStatsArgs,
): void {
  if (domains.length > maxDomains) {
    throw new RangeError(`${domains.length} domains: one call takes at most ${maxDomains}`);
  }
  writer.uint(domains.length);
  for (const domain of domains) writeDomain(writer, domain);
  writer.uint(stats);
  writer.uint(flags);
}

/** CONNECT_GET_ALL_DOMAIN_STATS (344): doms dom<16384>, stats u, flags u → {dom, tp<262144>}<16384>. */
export const connectGetAllDomainStats = procedure<AllDomainStatsArgs, DomainStatsRecord[]>({
  name: 'connectGetAllDomainStats',
  number: 344,
  priority: 'low',
  encode: writeArgs,
  decode: (reader) =>
    reader.array(maxDomains, minDomainBytes + 4, () => ({
      domain: readDomain(reader),
      params: readTypedParameters(reader, maxStatsParameters),
    })),
});

/** The same call, with the bytes that its reply took. */
export const connectGetAllDomainStatsSized = procedure<
  AllDomainStatsArgs,
  { records: DomainStatsRecord[]; bytes: number }
>({
  ...connectGetAllDomainStats,
  decode: (reader) => {
    const bytes = reader.remaining;
    return { records: connectGetAllDomainStats.decode(reader), bytes };
  },
});

/** The same call under the same name for bills and allow-lists; only the reading differs. */
export const connectGetAllDomainStatsColumns = procedure<AllDomainStatsArgs, DomainStatsColumns>({
  name: 'connectGetAllDomainStats',
  number: 344,
  priority: 'low',
  encode: writeArgs,
  decode: DomainStatsColumns.read,
});
