/**
 * When a tier's turns are. Hosts and tiers are spread over the interval by a hash, so that a
 * thousand hosts are not asked in the same millisecond, and none drifts.
 */

/** The first turn strictly after `nowMs`: turns are `phase` plus whole periods. */
export function nextTurn(nowMs: number, periodMs: number, phaseMs: number): number {
  const turn = Math.floor((nowMs - phaseMs) / periodMs) + 1;
  return turn * periodMs + phaseMs;
}

/** In [0, periodMs), the same for the same key. */
export function phaseOf(key: string, periodMs: number): number {
  return Math.floor((hash(key) / 2 ** 32) * periodMs);
}

/** FNV-1a with a final mix: without it, keys that differ in their last sign lie close together. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
