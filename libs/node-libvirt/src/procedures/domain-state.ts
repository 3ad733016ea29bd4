/** What a domain is doing. None of these touches the monitor: they answer when QEMU hangs. */
import { type Domain, writeDomain } from '../protocol/identity.ts';
import type { Counter } from '../protocol/xdr-reader.ts';
import { procedure } from './procedure.ts';
import { writeDomainAndZero } from './shared.ts';

export type DomainState = {
  /** `VIR_DOMAIN_*`; `domainStateName` names it. */
  state: number;
  /** Why; `domainStateReasonName(state, reason)` names it. */
  reason: number;
};

/** DOMAIN_GET_STATE (212): dom, flags u → state i, reason i. */
export const domainGetState = procedure<Domain, DomainState>({
  name: 'domainGetState',
  number: 212,
  priority: 'high',
  encode: writeDomainAndZero,
  decode: (reader) => ({ state: reader.int(), reason: reader.int() }),
});

export type DomainInfo = {
  state: number;
  maxMemoryKiB: Counter;
  memoryKiB: Counter;
  vcpus: number;
  /** Of the QEMU process: a restart returns it to 0. */
  cpuTimeNs: Counter;
};

/** DOMAIN_GET_INFO (16): dom → state uchar, maxMem uh, memory uh, nrVirtCpu ushort, cpuTime uh. */
export const domainGetInfo = procedure<Domain, DomainInfo>({
  name: 'domainGetInfo',
  number: 16,
  priority: 'low',
  encode: writeDomain,
  decode: (reader) => ({
    state: reader.int(),
    maxMemoryKiB: reader.counter(),
    memoryKiB: reader.counter(),
    vcpus: reader.int(),
    cpuTimeNs: reader.counter(),
  }),
});

export type DomainControlInfo = {
  /** `VIR_DOMAIN_CONTROL_*`. */
  state: number;
  /** More on an error; 0 otherwise. */
  details: number;
  /** For how long it has been so. */
  stateTimeMs: Counter;
};

/** DOMAIN_GET_CONTROL_INFO (229): dom, flags u → state u, details u, stateTime uh ms. */
export const domainGetControlInfo = procedure<Domain, DomainControlInfo>({
  name: 'domainGetControlInfo',
  number: 229,
  priority: 'high',
  encode: writeDomainAndZero,
  decode: (reader) => ({
    state: reader.uint(),
    details: reader.uint(),
    stateTimeMs: reader.counter(),
  }),
});
