/**
 * What lies in Redis of facts: documents under their hash, as all others; per kind and fact a pointer
 * that hosts of the kind share, with the claim of whoever probes for it; per host and fact what the
 * host itself confirmed. Keys of one kind have one hash tag, so that a script may use two of them
 * on a Redis Cluster.
 */
import { factDocumentSchema, type FactDocument, type HostId } from '@virtscope/contracts';
import { z } from 'zod';
import { canonicalText, contentHash } from './canonical.ts';
import type { Fingerprint } from './fingerprint.ts';
import { keyPrefix } from './stored.ts';

/** A kind that no host has any more is forgotten. Each confirmation renews what it is about. */
export const factTtlSeconds = 30 * 24 * 3600;

/** What libvirt refused is asked again after this, and what failed otherwise after the other. */
export const refusalTtlSeconds = 600;
export const failureTtlSeconds = 60;

export const sharedFactKey = (kind: string, fact: string): string =>
  `${keyPrefix}:{${kind}}:fact:${fact}`;
export const claimKey = (kind: string, fact: string): string =>
  `${keyPrefix}:{${kind}}:claim:${fact}`;
export const ownFactKey = (host: HostId, fact: string): string =>
  `${keyPrefix}:host-fact:${host}:${fact}`;

/**
 * What a host is, as far as its capabilities show it: hosts of one kind are expected to give the
 * same answers.
 */
export function kindOf(fingerprint: Fingerprint, documentHash: string): string {
  return contentHash(canonicalText({ fingerprint, documentHash }));
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const factPointerSchema = z.union([
  z.object({ v: z.literal(1), kind: hash, hash, observedAt: z.iso.datetime() }),
  /** A negative entry: nobody asks again while it stands. */
  z.object({
    v: z.literal(1),
    kind: hash,
    failed: z.string().max(4096),
    refused: z.boolean(),
  }),
]);
export type FactPointer = z.infer<typeof factPointerSchema>;

export const formatFactPointer = (pointer: FactPointer): string => canonicalText(pointer);

/** @returns undefined for what {@link formatFactPointer} does not write */
export function parseFactPointer(text: string | undefined): FactPointer | undefined {
  return text === undefined || text.length > 8192
    ? undefined
    : factPointerSchema.safeParse(parseObject(text)).data;
}

/** @returns undefined unless the text is the very document that the hash names */
export function parseFactDocument(text: string, of: string): FactDocument | undefined {
  if (contentHash(text) !== of) return undefined;
  return factDocumentSchema.safeParse(parseObject(text)).data;
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
