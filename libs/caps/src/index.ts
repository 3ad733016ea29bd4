export { cpuModelXml, hostCpuXml, parseCommonCpu } from './cpu-xml.ts';
export { canonicalText, contentHash } from './canonical.ts';
export { CapabilitiesXmlError } from './capabilities-xml-error.ts';
export { maxDocumentBytes, parseCapabilities } from './capabilities-xml.ts';
export { parseDomainCapabilities } from './domain-capabilities-xml.ts';
export { Fact, confirmAfterMs, confirmWithinMs, type FactOptions } from './fact.ts';
export { claimTtlMs, type FactEffect, type FactInput, type Publication } from './fact-io.ts';
export type { Fingerprint } from './fingerprint.ts';
export type { CapsEffect, CapsInput, KnownAfter, KnownBefore, ReadReason } from './host-caps-io.ts';
export { startHostCaps, step, type HostCaps } from './host-caps.ts';
export {
  parseDocument,
  documentKey,
  documentTtlSeconds,
  historyKey,
  pointerKey,
  pointerTtlSeconds,
} from './stored.ts';
export { claimKey, factTtlSeconds, kindOf, ownFactKey, sharedFactKey } from './stored-facts.ts';
