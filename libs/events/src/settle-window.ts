/** A domain's story is settled when nothing newer of it was heard for so long. */
export const settleMs = 15_000;
