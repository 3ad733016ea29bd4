/** What the mind of one fact of one kind hears, and what it wants done. */
import type { FactReply, HostId } from '@virtscope/contracts';

export type FactInput = {
  /** Monotonic. */
  nowMs: number;
} &
  /** A host of this kind is ours and its session is open: it can be probed. */
  (
    | { type: 'opened'; host: HostId }
    /** Its session is over; what it confirmed still stands. */
    | { type: 'closed'; host: HostId }
    /** It is of another kind now, or another replica's. */
    | { type: 'forgotten'; host: HostId }
    | { type: 'asked'; host: HostId; question: number }
    | { type: 'gaveUp'; question: number }
    /** The answer to `look`: pointers, undefined where there is none. */
    | { type: 'looked'; host: HostId; own: string | undefined; shared: string | undefined }
    /** The answer to `readDocument`. */
    | { type: 'document'; hash: string; text: string | undefined }
    /** The answer to `claim`: whether the claim is ours now. */
    | { type: 'claimed'; won: boolean }
    /** The answer to `renew`: whether it still is. */
    | { type: 'renewed'; ours: boolean }
    /** The answer to `look`, `readDocument`, `claim` or `renew`: Redis cannot be used. */
    | { type: 'redisFailed'; during: 'look' | 'document' | 'claim' | 'renew' }
    /** The answer to `probe`. `text` is the document's canonical text. */
    | { type: 'probed'; host: HostId; hash: string; text: string; observedAt: string }
    | {
        type: 'probeFailed';
        host: HostId;
        message: string;
        /**
         * `refused`: libvirt answered that there is no such thing here, and will again. `lost`: the
         * session broke, which says nothing of the fact.
         */
        outcome: 'refused' | 'failed' | 'lost';
      }
    /** The answer to `publish`. */
    | { type: 'published'; ok: boolean }
    /** Redis can be reached again. Whether it remembers anything is unknown. */
    | { type: 'redisReturned' }
    /** The answer to `wakeAt`. */
    | { type: 'woke' }
  );

/** What is written after a probe, in this order: the document, then who points to it. */
export type Publication = {
  document?: { hash: string; text: string };
  /**
   * With a token: written, and the claim released, only while the claim is ours. Without one (there
   * was no Redis to claim in): written unless something is there.
   */
  shared?: { token: string | undefined; text: string; ttlSeconds: number };
  own?: { host: HostId; text: string };
};

/** Each but `wakeAt` and `answer` is answered by exactly one input. */
export type FactEffect =
  /** Reads the host's own pointer and the kind's. */
  | { type: 'look'; host: HostId }
  | { type: 'readDocument'; hash: string }
  /** Takes the claim to infer, unless somebody has it. It ends by itself after {@link claimTtlMs}. */
  | { type: 'claim'; token: string }
  | { type: 'renew'; token: string }
  | { type: 'probe'; host: HostId; reason: 'infer' | 'confirm' }
  | { type: 'publish'; publication: Publication }
  | { type: 'wakeAt'; atMs: number }
  | { type: 'answer'; questions: readonly number[]; reply: FactReply };

/** A claim whose holder died is free again after this. It is renewed at a third of it. */
export const claimTtlMs = 30_000;
