/** What the mind of one host's capabilities hears, and what it wants done. */
import type { Capabilities, CapsReply, HostId } from '@virtscope/contracts';
import type { Fingerprint } from './fingerprint.ts';

/** Why libvirt is asked: nothing is known, the daemon may have changed, it has changed. */
export type ReadReason = 'miss' | 'confirm' | 'changed';

export type CapsInput = {
  /** Monotonic. */
  nowMs: number;
} & (
  | {
      /** A session is open and its daemon told its versions. `session` numbers go up. */
      type: 'opened';
      session: number;
      fingerprint: Fingerprint;
    }
  | {
      /** The session is over, or none could be opened. */
      type: 'lost';
      reason: string;
    }
  | { type: 'asked'; question: number }
  | { type: 'gaveUp'; question: number }
  | {
      /** The answer to `readCapabilities`; `session` is the one that was asked. */
      type: 'capabilitiesRead';
      session: number;
      xml: string;
      /** Wall clock, when the call began. */
      observedAt: string;
    }
  | { type: 'readFailed'; session: number; message: string }
  | {
      /** The answer to `readPointer` or `readDocument`. */
      type: 'found';
      /** Undefined: there is none. */
      text: string | undefined;
      /** With a pointer: whether Redis has the document of `heldHash`. */
      hasHeld?: boolean;
    }
  /** The answer to `readPointer`, `readDocument`, `writeDocument` or `writePointer`. */
  | { type: 'redisFailed'; during: 'read' | 'write' }
  /** The answer to `writeDocument` or `writePointer`. */
  | { type: 'written' }
  /** Redis can be reached again. Whether it remembers anything is unknown. */
  | { type: 'redisReturned' }
  /** The answer to `wakeAt`. */
  | { type: 'woke' }
);

/** What the host was when it was last read; of another process of ours the text is in Redis alone. */
export type KnownBefore = {
  fingerprint: Fingerprint;
  hash: string;
  observedAt: string;
  document: Capabilities | undefined;
};
export type KnownAfter = KnownBefore & { document: Capabilities };

/** Each of the reads and writes is answered by exactly one input. */
export type CapsEffect =
  | { type: 'readCapabilities'; session: number; reason: ReadReason }
  | {
      /** Asks also for the presence of a document: one that is never read is evicted first. */
      type: 'readPointer';
      host: HostId;
      heldHash: string | undefined;
    }
  | { type: 'readDocument'; hash: string }
  | { type: 'writeDocument'; hash: string; text: string }
  | { type: 'writePointer'; host: HostId; text: string }
  /** What the host can run is not what it was: told, and kept. */
  | { type: 'changed'; before: KnownBefore; after: KnownAfter }
  | { type: 'wakeAt'; atMs: number }
  | { type: 'answer'; questions: readonly number[]; reply: CapsReply };
