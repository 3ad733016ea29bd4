/** Which of a domain's presences answers for it (pure). */
import { isInactive, type Trust } from '@virtscope/contracts';

export type Claim = { state: string; trust: Trust; seq: number };

/**
 * The owner among presences of one UUID: the first that one of these rules sets apart.
 *
 * 1. A presence with a QEMU process beats one without: an inactive definition elsewhere must not
 *    hide that the domain may still run on a host which is lost.
 * 2. A live host beats one that is not.
 * 3. Running beats any other state: the target of a migration beats its departing source.
 * 4. The newest written.
 */
export function ownerOf<C extends Claim>(claims: readonly C[]): C | undefined {
  let owner: C | undefined;
  for (const claim of claims) {
    if (owner === undefined || outranks(claim, owner)) owner = claim;
  }
  return owner;
}

function outranks(a: Claim, b: Claim): boolean {
  const active = Number(!isInactive(a.state)) - Number(!isInactive(b.state));
  if (active !== 0) return active > 0;
  const live = Number(a.trust === 'live') - Number(b.trust === 'live');
  if (live !== 0) return live > 0;
  const running = Number(a.state === 'running') - Number(b.state === 'running');
  if (running !== 0) return running > 0;
  return a.seq > b.seq;
}
