/** What caps-cache tells of hosts, as the questions about placement need it. */
import type { Capabilities, CpuModels, DomainCapabilities } from '@virtscope/contracts';

/** One answer of caps-cache, or why there is none. */
export type Told<T> = { document: T } | { refused: string } | { missing: string };

export type HostFacts = {
  capabilities: Told<Capabilities>;
  hash?: string;
  /** `<libvirt> <hypervisor>`, as `9.0.0 7.2.22`. */
  versions?: string;
  observedAt?: string;
  /** Asked for only where a need hangs on them. */
  cpuModels?: Told<CpuModels>;
  domain?: Told<DomainCapabilities>;
};

/** libvirt's numbers of versions: 1,000,000 × major + 1,000 × minor + patch. */
export function versionText(version: number): string {
  return `${Math.floor(version / 1_000_000)}.${Math.floor(version / 1_000) % 1_000}.${version % 1_000}`;
}
