/** A domain's virtual CPUs, and what they used of the host's. */
import { type Domain, writeDomain } from '../protocol/identity.ts';
import { readTypedParameters } from '../protocol/typed-parameter.ts';
import type { Counter } from '../protocol/xdr-reader.ts';
import type { CountedParameters } from './domain-block.ts';
import { procedure } from './procedure.ts';

export type DomainVcpu = {
  number: number;
  /** 0 offline, 1 running, 2 blocked. */
  state: number;
  cpuTimeNs: Counter;
  /** The host's CPU that it runs on; negative when it does not run. */
  cpu: number;
};

export type DomainVcpus = {
  vcpus: DomainVcpu[];
  /** One bit for each CPU of the host, by vcpu: bit n of byte n >> 3. */
  cpuMaps: Buffer[];
};

const maxVcpus = 16_384;
const maxCpuMapBytes = 8_388_608;

/**
 * DOMAIN_GET_VCPUS (20): dom, maxinfo i, maplen i → {number u, state i, cpu_time uh, cpu i}<16384>,
 * cpumaps opaque<8388608>.
 */
export const domainGetVcpus = procedure<
  { domain: Domain; maxVcpus: number; mapBytes: number },
  { vcpus: DomainVcpu[]; maps: Buffer }
>({
  name: 'domainGetVcpus',
  number: 20,
  priority: 'high',
  encode: (writer, args) => {
    writeDomain(writer, args.domain);
    writer.int(args.maxVcpus);
    writer.int(args.mapBytes);
  },
  decode: (reader) => ({
    vcpus: reader.array(maxVcpus, 20, () => ({
      number: reader.uint(),
      state: reader.int(),
      cpuTimeNs: reader.counter(),
      cpu: reader.int(),
    })),
    maps: reader.opaque(maxCpuMapBytes),
  }),
});

export type CpuStatsArgs = {
  domain: Domain;
  /** -1: the total of all. */
  startCpu: number;
  cpus: number;
  /** Parameters for each CPU; 0 asks how many there are. */
  count: number;
};

const maxCpuStats = 2_048;

/**
 * DOMAIN_GET_CPU_STATS (262): dom, nparams u, start_cpu i, ncpus u, flags u → tp<2048>, nparams i.
 * The parameters of all CPUs come in one list, nparams for each.
 */
export const domainGetCpuStats = procedure<CpuStatsArgs, CountedParameters>({
  name: 'domainGetCpuStats',
  number: 262,
  priority: 'low',
  encode: (writer, { domain, startCpu, cpus, count }) => {
    writeDomain(writer, domain);
    writer.uint(count);
    writer.int(startCpu);
    writer.uint(cpus);
    writer.uint(0);
  },
  decode: (reader) => ({
    params: readTypedParameters(reader, maxCpuStats),
    count: reader.int(),
  }),
});
