/**
 * What lies in Redis: documents by the hash of their content, shared by equal hosts, and one small
 * pointer per host. A document is written before a pointer to it; one that is missing is a miss,
 * so no transaction is needed. What cannot be read back whole counts as missing.
 */
import {
  capabilitiesSchema,
  hostPartSchema,
  type Capabilities,
  type HostId,
  type HostPart,
} from '@virtscope/contracts';
import { canonicalText, contentHash } from './canonical.ts';
import type { Fingerprint } from './fingerprint.ts';

/** The version of everything below: another shape takes another prefix. */
export const keyPrefix = 'virtscope:caps:v1';

/** A host that nobody has seen for a month is asked anew. Each reading renews it. */
export const pointerTtlSeconds = 30 * 24 * 3600;

/** A day longer than a pointer's, so that a pointer seldom outlives its document. */
export const documentTtlSeconds = 31 * 24 * 3600;

/** A pointer is 1,024 cells at most; longer ones are not ours. */
export const maxPointerBytes = 128 * 1024;

export const documentKey = (hash: string): string => `${keyPrefix}:doc:${hash}`;
/** What a host was before, as texts, the newest first. */
export const historyKey = (host: HostId): string => `${keyPrefix}:history:${host}`;
export const pointerKey = (host: HostId): string => `${keyPrefix}:host:${host}`;

/** Which document a host had, and what the daemon looked like then. */
export type HostPointer = {
  fingerprint: Fingerprint;
  hash: string;
  hostPart: HostPart;
  /** When the call that read the document began. */
  observedAt: string;
};

export function formatPointer(pointer: HostPointer): string {
  return canonicalText({ v: 1, ...pointer });
}

/** @returns undefined for what {@link formatPointer} does not write */
export function parsePointer(text: string): HostPointer | undefined {
  if (text.length > maxPointerBytes) return undefined;
  const value = parseObject(text);
  const fingerprint = value?.['fingerprint'] as Partial<Record<string, unknown>> | undefined;
  const hostPart = hostPartSchema.safeParse(value?.['hostPart']);
  const { driver, libvirtVersion, hypervisorVersion } = fingerprint ?? {};
  const { v, hash, observedAt } = value ?? {};
  if (
    v !== 1 ||
    !hostPart.success ||
    typeof hash !== 'string' ||
    !/^[0-9a-f]{64}$/.test(hash) ||
    typeof observedAt !== 'string' ||
    !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(observedAt) ||
    typeof driver !== 'string' ||
    typeof libvirtVersion !== 'number' ||
    typeof hypervisorVersion !== 'number'
  ) {
    return undefined;
  }
  return {
    fingerprint: { driver, libvirtVersion, hypervisorVersion },
    hash,
    hostPart: hostPart.data,
    observedAt,
  };
}

/** @returns undefined unless the text is the very document that the hash names */
export function parseDocument(text: string, hash: string): Capabilities | undefined {
  if (contentHash(text) !== hash) return undefined;
  return capabilitiesSchema.safeParse(parseObject(text)).data;
}

function parseObject(text: string): Partial<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
