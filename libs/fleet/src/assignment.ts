import type { HostId } from '@virtscope/contracts';

/**
 * The member that has the host: the one with the highest weight for it (rendezvous hashing).
 * Every member that knows the same members comes to the same answer without asking, and when one
 * leaves or joins only the hosts that it had or gets move.
 *
 * @returns undefined when there is no member
 */
export function memberFor(host: HostId, members: Iterable<string>): string | undefined {
  let best: { member: string; weight: number } | undefined;
  for (const member of members) {
    const weight = hash(`${member}\0${host}`);
    const wins =
      best === undefined ||
      weight > best.weight ||
      (weight === best.weight && member < best.member);
    if (wins) best = { member, weight };
  }
  return best?.member;
}

/** FNV-1a over UTF-16 units with a final avalanche, as 32 bits: even, and the same everywhere. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
