/** Bulk stats of any number of domains, in replies that libvirt can give. */
import { invoke } from './calls/caller.ts';
import { VIR_ERR_RPC } from './constants/error-codes.ts';
import { LibvirtError } from './errors.ts';
import {
  type AllDomainStatsArgs,
  connectGetAllDomainStatsSized,
  type DomainStatsRecord,
} from './procedures/connect-get-all-domain-stats.ts';
import type { Domain } from './protocol/identity.ts';
import { maxDomains, maxPayloadBytes } from './protocol/limits.ts';
import type { CallOptions } from './rpc/call.ts';
import type { Session } from './session.ts';

export type ChunkedStatsArgs = AllDomainStatsArgs & {
  /** Most domains in one call, 1 to 16,384. Default 1,000. */
  chunk?: number;
};

export type AllDomainStats = {
  /** In no order. */
  records: DomainStatsRecord[];
  /** Asked for, and not in the answers: gone since they were listed, or no longer passing `flags`. */
  vanished: Domain[];
};

/** Filters that lists and stats have in common. */
const filterFlags = 0xff;
/** What a reply is expected to take at most: domains grow disks and vcpus between two replies. */
const maxExpectedBytes = maxPayloadBytes / 2;

/**
 * As `connectGetAllDomainStats`, for more domains than one answer holds (16,384 records, 32 MiB): it
 * lists the domains unless `domains` names them, and asks for explicit lists, one after the other,
 * each so short that its reply should take half of what a reply may. When libvirt refuses a reply as
 * too large nevertheless, half as many are asked for.
 *
 * Each call has the deadline of `options`; the first that fails ends it all.
 *
 * @throws {LibvirtError} refused; code 39 when the stats of a single domain exceed 32 MiB
 */
export async function allDomainStats(
  session: Session,
  args: ChunkedStatsArgs,
  options?: CallOptions,
): Promise<AllDomainStats> {
  const { stats, flags = 0, chunk = 1_000 } = args;
  if (!Number.isInteger(chunk) || chunk < 1 || chunk > maxDomains) {
    throw new RangeError(`chunks of ${chunk} domains: a call takes 1 to ${maxDomains}`);
  }
  const asked =
    args.domains ?? (await session.connectListAllDomains({ flags: flags & filterFlags }, options));
  const records: DomainStatsRecord[] = [];
  let size = chunk;
  for (let at = 0; at < asked.length;) {
    const domains = asked.slice(at, at + size);
    const reply = await session[invoke](
      connectGetAllDomainStatsSized,
      { domains, stats, flags },
      options,
    ).catch((error: unknown) => {
      if (isTooLarge(error) && domains.length > 1) return undefined;
      throw error;
    });
    if (reply === undefined) {
      size = Math.ceil(domains.length / 2);
      continue;
    }
    for (const record of reply.records) records.push(record);
    at += domains.length;
    size = nextSize(chunk, reply.records.length, reply.bytes);
  }
  const answered = new Set(records.map(({ domain }) => domain.uuid));
  return { records, vanished: asked.filter(({ uuid }) => !answered.has(uuid)) };
}

/** As many as should fit, if they are like the last ones. */
function nextSize(chunk: number, records: number, bytes: number): number {
  if (records === 0) return chunk;
  return Math.max(1, Math.min(chunk, Math.floor((maxExpectedBytes * records) / bytes)));
}

/** Code 39 has other reasons too: a list of one that is refused so is refused for good. */
function isTooLarge(error: unknown): boolean {
  return error instanceof LibvirtError && error.code === VIR_ERR_RPC;
}
