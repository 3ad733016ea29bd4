/** Lists that are longer than a reply may be, in parts that the server tells apart. */
import { VIR_ERR_INTERNAL_ERROR } from '../constants/error-codes.ts';
import * as flag from '../constants/flags.ts';
import { LibvirtError } from '../errors.ts';
import type { Domain } from '../protocol/identity.ts';
import { maxDomains } from '../protocol/limits.ts';

/** Each domain passes exactly one flag of each group. Those that split best come first. */
const groups: readonly (readonly number[])[] = [
  [flag.VIR_CONNECT_LIST_DOMAINS_ACTIVE, flag.VIR_CONNECT_LIST_DOMAINS_INACTIVE],
  [flag.VIR_CONNECT_LIST_DOMAINS_PERSISTENT, flag.VIR_CONNECT_LIST_DOMAINS_TRANSIENT],
  [flag.VIR_CONNECT_LIST_DOMAINS_AUTOSTART, flag.VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART],
  [
    flag.VIR_CONNECT_LIST_DOMAINS_RUNNING,
    flag.VIR_CONNECT_LIST_DOMAINS_PAUSED,
    flag.VIR_CONNECT_LIST_DOMAINS_SHUTOFF,
    flag.VIR_CONNECT_LIST_DOMAINS_OTHER,
  ],
  [flag.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, flag.VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE],
  [flag.VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, flag.VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT],
  [flag.VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, flag.VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT],
];

/** What a list asks of the server: the domains that pass flags, and how many there are at all. */
export type ListQuestions = {
  list(flags: number): Promise<Domain[]>;
  count(): Promise<number>;
};

/**
 * The domains that pass `flags`. A refusal with code 1 may mean anything; only when there are also
 * more domains than a reply holds, the list is split.
 *
 * @throws {LibvirtError} the refusal, when it is for another reason, or when no filter parts the
 * domains any further
 */
export async function listInParts(flags: number, ask: ListQuestions): Promise<Domain[]> {
  try {
    return await ask.list(flags);
  } catch (error) {
    if (!isInternal(error) || (await ask.count()) <= maxDomains) throw error;
    // A domain that changes between two parts may be in both.
    const byUuid = new Map<string, Domain>();
    await splitList(flags, groups, ask, error, (domain) => byUuid.set(domain.uuid, domain));
    return [...byUuid.values()];
  }
}

/** Lists what was refused by the flags of the first group, and what is refused again by the next. */
async function splitList(
  flags: number,
  [group, ...others]: typeof groups,
  ask: ListQuestions,
  refusal: LibvirtError,
  found: (domain: Domain) => void,
): Promise<void> {
  if (group === undefined) throw refusal;
  // Flags of one group are ORed, and none of them means all of them.
  const asked = group.filter((bit) => (flags & bit) !== 0);
  const rest = group.reduce((left, bit) => left & ~bit, flags);
  for (const bit of asked.length === 0 ? group : asked) {
    try {
      for (const domain of await ask.list(rest | bit)) found(domain);
    } catch (error) {
      if (!isInternal(error)) throw error;
      await splitList(rest | bit, others, ask, error, found);
    }
  }
}

function isInternal(error: unknown): error is LibvirtError {
  return error instanceof LibvirtError && error.code === VIR_ERR_INTERNAL_ERROR;
}
