/**
 * The hosts that the operator wants, from the bucket `virt_hosts`. The bucket speaks only while it
 * is *whole*: each source's entries fit the count and digest of the mark that its apply wrote
 * last. While it is not (half an apply, a lost bucket, an entry that cannot be read), the last
 * whole set goes on being wanted, and nobody may claim absence.
 */
import { createHash } from 'node:crypto';
import {
  appliedKey,
  hostIdPattern,
  inventoryDigestText,
  type AppliedMark,
  type HostEntry,
  type HostId,
} from '@virtscope/contracts';
import { decodeAppliedMark, decodeHostEntry, type Malformed } from './decode.ts';

export type BucketMessage = {
  /** Stream sequence: the bucket's revision. */
  seq: number;
  /** As it is told to people: bucket and key. */
  subject: string;
  key: string;
  /** null for a deleted or purged key. */
  data: Uint8Array | null;
};

const markPrefix = appliedKey('');

export class WantedHosts {
  readonly #entries = new Map<HostId, HostEntry>();
  readonly #marks = new Map<string, AppliedMark>();
  /** Newest applied revision by key, deleted keys too: the bucket itself keeps their markers. */
  readonly #revisions = new Map<string, number>();
  #whole: { wanted: ReadonlyMap<HostId, HostEntry> } | undefined;
  #problem: string | undefined = 'no inventory was applied yet';
  #dirty = false;

  /** Starts from the set of an earlier bucket, which goes on until this one is whole. */
  constructor(before?: WantedHosts) {
    if (before !== undefined) this.#whole = before.#whole;
  }

  /** @returns what was malformed */
  apply({ seq, subject, key, data }: BucketMessage): Malformed | undefined {
    if (seq <= (this.#revisions.get(key) ?? 0)) return undefined;
    const malformed = key.startsWith(markPrefix)
      ? this.#applyMark(subject, key.slice(markPrefix.length), data)
      : this.#applyEntry(subject, key, data);
    // The last good entry stays; a good message that comes again may still replace it.
    if (malformed !== undefined) return malformed;
    this.#revisions.set(key, seq);
    this.#dirty = true;
    // An apply writes its mark last: this is the moment at which the bucket may become whole.
    if (key.startsWith(markPrefix)) this.#judge();
    return undefined;
  }

  /** The wanted hosts: of the last moment at which the bucket was whole. */
  get wanted(): ReadonlyMap<HostId, HostEntry> {
    this.#judge();
    return this.#whole?.wanted ?? this.#entries;
  }

  /** The wanted hosts, and those that an apply under way has written already. */
  get known(): Set<HostId> {
    return new Set([...this.wanted.keys(), ...this.#entries.keys()]);
  }

  /** Why the bucket says nothing; undefined while it is whole. */
  get problem(): string | undefined {
    this.#judge();
    return this.#problem;
  }

  /** Whether `wanted` is more than a guess. */
  get everWhole(): boolean {
    this.#judge();
    return this.#whole !== undefined;
  }

  #applyMark(subject: string, source: string, data: Uint8Array | null): Malformed | undefined {
    if (data === null) {
      this.#marks.delete(source);
      return undefined;
    }
    const mark = decodeAppliedMark(subject, source, data);
    if (!mark.ok) return mark.malformed;
    this.#marks.set(source, mark.value);
    return undefined;
  }

  #applyEntry(subject: string, key: string, data: Uint8Array | null): Malformed | undefined {
    if (!hostIdPattern.test(key)) {
      return { kind: 'subject', subject, path: '', reason: 'the key is no host id' };
    }
    if (data === null) {
      this.#entries.delete(key);
      return undefined;
    }
    const entry = decodeHostEntry(subject, key, data);
    if (!entry.ok) return entry.malformed;
    this.#entries.set(key, entry.value);
    return undefined;
  }

  #judge(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    this.#problem = this.#misfit();
    if (this.#problem === undefined) this.#whole = { wanted: new Map(this.#entries) };
  }

  #misfit(): string | undefined {
    const bySource = Map.groupBy(this.#entries.values(), ({ source }) => source);
    if (this.#marks.size === 0) return 'no inventory was applied yet';
    for (const source of bySource.keys()) {
      if (!this.#marks.has(source)) return `the inventory ${source} is being applied`;
    }
    for (const { source, count, digest } of this.#marks.values()) {
      const entries = bySource.get(source) ?? [];
      if (entries.length !== count) {
        return `the inventory ${source} holds ${entries.length} hosts, its mark says ${count}`;
      }
      if (inventoryDigest(entries) !== digest) {
        return `the inventory ${source} does not fit the digest of its mark`;
      }
    }
    return undefined;
  }
}

/** The digest of a source's entries, as its mark carries it: SHA-256 in hexadecimal digits. */
export function inventoryDigest(entries: Iterable<HostEntry>): string {
  return createHash('sha256').update(inventoryDigestText(entries)).digest('hex');
}
