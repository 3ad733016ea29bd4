/** What a caller may say about a call, and what a finished call is billed as. */

export type CallOptions = {
  /** How long to wait for the answer, waiting for a slot included. Default: `callTimeoutMs`. */
  timeoutMs?: number | undefined;
  /** Aborting rejects with the signal's reason. The call may still run in libvirtd. */
  signal?: AbortSignal | undefined;
  /** Why this call is made, for the bill. Default `unspecified`. */
  reason?: string | undefined;
};

/**
 * One line of the bill, written when a call is answered or abandoned. An abandoned call is billed
 * once, at its abandonment.
 */
export type CallBill = {
  procedure: string;
  reason: string;
  /** From the frame's way out to the answer or the abandonment; 0 for a call never sent. */
  tookMs: number;
  /** Waiting for a slot, before that. */
  queuedMs: number;
  /** False when the call was given up while it waited for a slot: libvirtd never saw it. */
  sent: boolean;
  outcome: 'ok' | 'error' | 'deadline' | 'aborted' | 'lost';
};
