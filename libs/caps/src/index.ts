export { contentHash } from './canonical.ts';
export { CapabilitiesXmlError, maxDocumentBytes, parseCapabilities } from './capabilities-xml.ts';
export type { Fingerprint } from './fingerprint.ts';
export type { CapsEffect, CapsInput, ReadReason } from './host-caps-io.ts';
export { startHostCaps, step, type HostCaps } from './host-caps.ts';
export { documentKey, documentTtlSeconds, pointerKey, pointerTtlSeconds } from './stored.ts';
