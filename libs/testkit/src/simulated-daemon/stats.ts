/**
 * Bulk stats: what CONNECT_GET_ALL_DOMAIN_STATS says of a domain, in the order and with the types of
 * libvirt 9.0's QEMU driver. Ten thousand records are asked for at a time, so a parameter's name and
 * type word are encoded once for the process, and a record is copied together without objects.
 */
import { WireWriter } from '../libvirt-wire/wire-writer.ts';
import type { SimulatedDisk } from './domain.ts';
import { writeDomain } from './host-event.ts';
import { type Load, workSeconds } from './load.ts';
import { type DomainRow, interfaceName, now, ranMs, running } from './domain-row.ts';

/** `VIR_DOMAIN_STATS_*`. */
export const statsGroups = {
  state: 0x1,
  cpu: 0x2,
  balloon: 0x4,
  vcpu: 0x8,
  interface: 0x10,
  block: 0x20,
  perf: 0x40,
  iothread: 0x80,
  memory: 0x100,
  dirtyRate: 0x200,
  vm: 0x400,
} as const;

export const allStatsGroups = 0x7ff;

export type StatsRequest = {
  /** `statsGroups` ORed. */
  groups: number;
  /** KVM's own counters in the groups vcpu and vm: some forty more for each vCPU. */
  kvmCounters: boolean;
  nowMs: number;
};

/** `VIR_TYPED_PARAM_*`. */
const typeInt = 1;
const typeUint = 2;
const typeLlong = 3;
const typeUllong = 4;
const typeBoolean = 6;
const typeString = 7;

/** A parameter's name and type word, as they go over the wire. */
type Head = Uint8Array;

function head(name: string, type: number): Head {
  const writer = new WireWriter({ program: 0, procedure: 0, type: 0, serial: 0, status: 0 });
  const start = writer.offset;
  writer.string(name);
  writer.int(type);
  return writer.frame().subarray(start);
}

const int = (name: string): Head => head(name, typeInt);
const uint = (name: string): Head => head(name, typeUint);
const counter = (name: string): Head => head(name, typeUllong);
const text = (name: string): Head => head(name, typeString);

/** Heads of things that are numbered, made when the number first comes. */
function numbered<T>(make: (index: number) => T): (index: number) => T {
  const made: T[] = [];
  return (index) => (made[index] ??= make(index));
}

const stateState = int('state.state');
const stateReason = int('state.reason');
const cpuTime = counter('cpu.time');
const cpuUser = counter('cpu.user');
const cpuSystem = counter('cpu.system');
const cpuCacheMonitorCount = uint('cpu.cache.monitor.count');
const cpuHaltpollSuccess = counter('cpu.haltpoll.success.time');
const cpuHaltpollFail = counter('cpu.haltpoll.fail.time');
const balloonCurrent = counter('balloon.current');
const balloonMaximum = counter('balloon.maximum');
const balloonLastUpdate = counter('balloon.last-update');
const balloonRss = counter('balloon.rss');
const vcpuCurrent = uint('vcpu.current');
const vcpuMaximum = uint('vcpu.maximum');
const netCount = uint('net.count');
const blockCount = uint('block.count');
const dirtyRate = {
  status: int('dirtyrate.calc_status'),
  startTime: head('dirtyrate.calc_start_time', typeLlong),
  period: int('dirtyrate.calc_period'),
  mode: text('dirtyrate.calc_mode'),
};

/** KVM's counters, in the order in which one kernel gave them: their names are not stable. */
const kvmVcpuSums = (
  'halt_wakeup pf_mmio_spte_created exits pf_guest halt_attempted_poll directed_yield_successful ' +
  'hypercalls halt_exits host_state_reload irq_injections req_event pf_taken halt_poll_fail_ns ' +
  'preemption_other tlb_flush notify_window_exits halt_poll_success_ns halt_wait_ns nested_run ' +
  'l1d_flush nmi_window_exits directed_yield_attempted irq_window_exits fpu_reload pf_fixed ' +
  'request_irq_exits halt_successful_poll invlpg insn_emulation mmio_exits preemption_reported ' +
  'pf_fast signal_exits pf_emulate io_exits irq_exits insn_emulation_fail nmi_injections ' +
  'pf_spurious halt_poll_invalid'
).split(' ');
const kvmVcpuFlags = ['guest_mode.cur', 'blocking.cur'];
const kvmVmCounters = (
  'mmu_shadow_zapped.sum pages_1g.cur max_mmu_page_hash_collisions.max pages_2m.cur ' +
  'mmu_recycled.sum mmu_pde_zapped.sum pages_4k.cur mmu_cache_miss.sum nx_lpage_splits.cur ' +
  'mmu_flooded.sum mmu_unsync.cur max_mmu_rmap_size.max mmu_pte_write.sum ' +
  'remote_tlb_flush_requests.sum remote_tlb_flush.sum'
)
  .split(' ')
  .map((name) => counter(`vm.${name}`));

const vcpuHeads = numbered((n) => ({
  state: int(`vcpu.${n}.state`),
  time: counter(`vcpu.${n}.time`),
  wait: counter(`vcpu.${n}.wait`),
  delay: counter(`vcpu.${n}.delay`),
}));

const kvmVcpuHeads = numbered((n) => ({
  sums: kvmVcpuSums.map((name) => counter(`vcpu.${n}.${name}.sum`)),
  flags: kvmVcpuFlags.map((name) => head(`vcpu.${n}.${name}`, typeBoolean)),
}));

const netHeads = numbered((n) => ({
  name: text(`net.${n}.name`),
  rxBytes: counter(`net.${n}.rx.bytes`),
  rxPackets: counter(`net.${n}.rx.pkts`),
  rxErrors: counter(`net.${n}.rx.errs`),
  rxDrops: counter(`net.${n}.rx.drop`),
  txBytes: counter(`net.${n}.tx.bytes`),
  txPackets: counter(`net.${n}.tx.pkts`),
  txErrors: counter(`net.${n}.tx.errs`),
  txDrops: counter(`net.${n}.tx.drop`),
}));

const blockHeads = numbered((n) => ({
  name: text(`block.${n}.name`),
  path: text(`block.${n}.path`),
  backingIndex: uint(`block.${n}.backingIndex`),
  readRequests: counter(`block.${n}.rd.reqs`),
  readBytes: counter(`block.${n}.rd.bytes`),
  readTime: counter(`block.${n}.rd.times`),
  writeRequests: counter(`block.${n}.wr.reqs`),
  writeBytes: counter(`block.${n}.wr.bytes`),
  writeTime: counter(`block.${n}.wr.times`),
  flushRequests: counter(`block.${n}.fl.reqs`),
  flushTime: counter(`block.${n}.fl.times`),
  allocation: counter(`block.${n}.allocation`),
  capacity: counter(`block.${n}.capacity`),
  physical: counter(`block.${n}.physical`),
}));

/** Writes parameters and counts them. */
class Params {
  count = 0;
  readonly #writer: WireWriter;

  constructor(writer: WireWriter) {
    this.#writer = writer;
  }

  int(name: Head, value: number): void {
    this.count += 1;
    this.#writer.raw(name);
    this.#writer.int(value);
  }

  counter(name: Head, value: number): void {
    this.count += 1;
    this.#writer.raw(name);
    this.#writer.counter(value);
  }

  text(name: Head, value: string): void {
    this.count += 1;
    this.#writer.raw(name);
    this.#writer.string(value);
  }
}

/** One record: the domain and its parameters. */
export function writeStatsRecord(writer: WireWriter, row: DomainRow, request: StatsRequest): void {
  writeDomain(writer, now(row));
  const countAt = writer.offset;
  writer.uint(0);
  const params = new Params(writer);
  const { groups } = request;
  if ((groups & statsGroups.state) !== 0) {
    params.int(stateState, row.state);
    params.int(stateReason, row.reason);
  }
  if (row.live === undefined) writeInactive(params, row, request);
  else writeActive(params, row, request);
  writer.patchUint(countAt, params.count);
}

/**
 * As libvirtd without cgroups says it of a domain that does not run: its own CPU time as if it were
 * the domain's, and the sizes of images.
 */
function writeInactive(params: Params, row: DomainRow, { groups, nowMs }: StatsRequest): void {
  const { memoryKiB, vcpus, disks } = row.config;
  if ((groups & statsGroups.cpu) !== 0) {
    const daemonNs = Math.max(0, Math.floor(nowMs)) * 10_000;
    params.counter(cpuTime, daemonNs);
    params.counter(cpuUser, Math.floor(daemonNs / 2));
    params.counter(cpuSystem, daemonNs - Math.floor(daemonNs / 2));
  }
  if ((groups & statsGroups.balloon) !== 0) {
    params.counter(balloonCurrent, memoryKiB);
    params.counter(balloonMaximum, memoryKiB);
  }
  if ((groups & statsGroups.vcpu) !== 0) {
    params.int(vcpuCurrent, vcpus);
    params.int(vcpuMaximum, vcpus);
  }
  if ((groups & statsGroups.block) !== 0) {
    params.int(blockCount, disks.length);
    for (const [index, disk] of disks.entries()) {
      const heads = blockHeads(index);
      params.text(heads.name, disk.target);
      params.text(heads.path, disk.path);
      params.counter(heads.allocation, allocatedBytes(disk));
      params.counter(heads.capacity, disk.capacityBytes);
      params.counter(heads.physical, allocatedBytes(disk));
    }
  }
}

function writeActive(params: Params, row: DomainRow, request: StatsRequest): void {
  const { groups, kvmCounters, nowMs } = request;
  const { load } = row;
  const config = row.live ?? row.config;
  const work = workSeconds(load, ranMs(row, nowMs) / 1_000);
  // Nothing else than whole nanoseconds, so that user and system make the total.
  const cpuNs = cpuTimeNs(load, config.vcpus, work);
  if ((groups & statsGroups.cpu) !== 0) {
    const userNs = Math.floor(cpuNs * 0.7);
    params.counter(cpuTime, cpuNs);
    params.counter(cpuUser, userNs);
    params.counter(cpuSystem, cpuNs - userNs);
    params.int(cpuCacheMonitorCount, 0);
    params.counter(cpuHaltpollSuccess, work * 1e5);
    params.counter(cpuHaltpollFail, work * 3e5);
  }
  if ((groups & statsGroups.balloon) !== 0) {
    params.counter(balloonCurrent, config.memoryKiB);
    params.counter(balloonMaximum, config.memoryKiB);
    params.counter(balloonLastUpdate, 0);
    params.counter(balloonRss, config.memoryKiB * load.rssShare);
  }
  if ((groups & statsGroups.vcpu) !== 0) {
    writeVcpus(params, config.vcpus, cpuNs, work, { kvmCounters, runs: row.state === running });
  }
  if ((groups & statsGroups.interface) !== 0) {
    writeInterfaces(params, row, config.interfaces.length, work);
  }
  if ((groups & statsGroups.block) !== 0) writeDisks(params, load, config.disks, work);
  if ((groups & statsGroups.dirtyRate) !== 0) {
    params.int(dirtyRate.status, 0);
    params.counter(dirtyRate.startTime, 0);
    params.int(dirtyRate.period, 0);
    params.text(dirtyRate.mode, 'page-sampling');
  }
  if (kvmCounters && (groups & statsGroups.vm) !== 0) {
    for (const name of kvmVmCounters) params.counter(name, work);
  }
}

function cpuTimeNs({ cpuShare }: Load, vcpus: number, work: number): number {
  return Math.floor(work * cpuShare * vcpus * 1e9);
}

/** CPU time that the domain's process has used by now; 0 when it has none. */
export function domainCpuTimeNs(row: DomainRow, nowMs: number): number {
  if (row.live === undefined) return 0;
  const work = workSeconds(row.load, ranMs(row, nowMs) / 1_000);
  return cpuTimeNs(row.load, row.live.vcpus, work);
}

function writeVcpus(
  params: Params,
  vcpus: number,
  cpuNs: number,
  work: number,
  { kvmCounters, runs }: { kvmCounters: boolean; runs: boolean },
): void {
  params.int(vcpuCurrent, vcpus);
  params.int(vcpuMaximum, vcpus);
  for (let n = 0; n < vcpus; n++) {
    const heads = vcpuHeads(n);
    params.int(heads.state, runs ? 1 : 2); // running, or blocked
    params.counter(heads.time, (cpuNs * 0.9) / vcpus);
    params.counter(heads.wait, 0);
    params.counter(heads.delay, work * 4e5);
    if (!kvmCounters) continue;
    const { sums, flags } = kvmVcpuHeads(n);
    for (const [index, name] of sums.entries()) params.counter(name, work * (index % 7));
    for (const name of flags) params.int(name, 0);
  }
}

/** Of a packet, on average. */
const rxPacketBytes = 900;
const txPacketBytes = 600;

function writeInterfaces(
  params: Params,
  { id, load }: DomainRow,
  count: number,
  work: number,
): void {
  params.int(netCount, count);
  for (let n = 0; n < count; n++) {
    const heads = netHeads(n);
    // All but the first are little used.
    const rx = Math.floor((work * load.rxPackets) / (1 + 9 * n));
    const tx = Math.floor((work * load.txPackets) / (1 + 9 * n));
    params.text(heads.name, interfaceName(id, n));
    params.counter(heads.rxBytes, rx * rxPacketBytes);
    params.counter(heads.rxPackets, rx);
    params.counter(heads.rxErrors, 0);
    params.counter(heads.rxDrops, rx / 100_000);
    params.counter(heads.txBytes, tx * txPacketBytes);
    params.counter(heads.txPackets, tx);
    params.counter(heads.txErrors, 0);
    params.counter(heads.txDrops, 0);
  }
}

const readBytesEach = 16_384;
const writeBytesEach = 8_192;
const readNsEach = 250_000;
const writeNsEach = 600_000;

function writeDisks(
  params: Params,
  load: Load,
  disks: readonly SimulatedDisk[],
  work: number,
): void {
  params.int(blockCount, disks.length);
  for (let n = 0; n < disks.length; n++) {
    const disk = disks[n] as SimulatedDisk;
    const heads = blockHeads(n);
    const reads = Math.floor((work * load.readRequests) / (1 + 9 * n));
    const writes = Math.floor((work * load.writeRequests) / (1 + 9 * n));
    const flushes = Math.floor(writes / 20);
    params.text(heads.name, disk.target);
    params.text(heads.path, disk.path);
    params.int(heads.backingIndex, n + 1);
    params.counter(heads.readRequests, reads);
    params.counter(heads.readBytes, reads * readBytesEach);
    params.counter(heads.readTime, reads * readNsEach);
    params.counter(heads.writeRequests, writes);
    params.counter(heads.writeBytes, writes * writeBytesEach);
    params.counter(heads.writeTime, writes * writeNsEach);
    params.counter(heads.flushRequests, flushes);
    params.counter(heads.flushTime, flushes * writeNsEach);
    params.counter(heads.allocation, allocatedBytes(disk));
    params.counter(heads.capacity, disk.capacityBytes);
    params.counter(heads.physical, allocatedBytes(disk));
  }
}

function allocatedBytes({ capacityBytes }: SimulatedDisk): number {
  return Math.floor(capacityBytes * 0.4);
}
