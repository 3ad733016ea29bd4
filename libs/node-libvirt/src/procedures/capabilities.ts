/** What a host can run: documents and verdicts that libvirt may have to probe for. */
import type { XdrWriter } from '../protocol/xdr-writer.ts';
import { procedure } from './procedure.ts';
import { readInt, readString, writeFlags } from './shared.ts';

/** CONNECT_GET_CAPABILITIES (7) → s. A daemon's first may take seconds. */
export const connectGetCapabilities = procedure<undefined, string>({
  name: 'connectGetCapabilities',
  number: 7,
  priority: 'low',
  decode: readString,
});

/** Which emulator; what is left out is the host's default. */
export type EmulatorChoice = {
  /** Path of the emulator. */
  emulator?: string | undefined;
  /** `x86_64`. */
  arch?: string | undefined;
  /** `pc`, `q35`, `pc-q35-7.2`. */
  machine?: string | undefined;
  /** `kvm`, `qemu`. */
  virtType?: string | undefined;
};

function writeEmulatorChoice(writer: XdrWriter, choice: EmulatorChoice): void {
  writer.optionalString(choice.emulator);
  writer.optionalString(choice.arch);
  writer.optionalString(choice.machine);
  writer.optionalString(choice.virtType);
}

/**
 * CONNECT_GET_DOMAIN_CAPABILITIES (342): emulator s?, arch s?, machine s?, virttype s?, flags u → s.
 * libvirt refuses it on a read-only connection, though it only reads.
 */
export const connectGetDomainCapabilities = procedure<EmulatorChoice & { flags: number }, string>({
  name: 'connectGetDomainCapabilities',
  number: 342,
  priority: 'low',
  access: 'write',
  encode: (writer, args) => {
    writeEmulatorChoice(writer, args);
    writer.uint(args.flags);
  },
  decode: readString,
});

/** CONNECT_GET_STORAGE_POOL_CAPABILITIES (403): flags u → s. */
export const connectGetStoragePoolCapabilities = procedure<number, string>({
  name: 'connectGetStoragePoolCapabilities',
  number: 403,
  priority: 'low',
  encode: writeFlags,
  decode: readString,
});

const maxCpuModels = 8_192;
const maxCpuDocuments = 256;

/** CONNECT_GET_CPU_MODEL_NAMES (312): arch s, need_results i, flags u → models s<8192>, ret i. */
export const connectGetCpuModelNames = procedure<string, string[]>({
  name: 'connectGetCpuModelNames',
  number: 312,
  priority: 'low',
  encode: (writer, arch) => {
    writer.string(arch);
    writer.int(1);
    writer.uint(0);
  },
  decode: (reader) => reader.array(maxCpuModels, 4, readString),
});

function writeCpuDocuments(writer: XdrWriter, documents: readonly string[]): void {
  if (documents.length > maxCpuDocuments) {
    throw new RangeError(`${documents.length} CPUs: one call takes at most ${maxCpuDocuments}`);
  }
  writer.uint(documents.length);
  for (const xml of documents) writer.string(xml);
}

export type CpuDocuments = { cpus: readonly string[]; flags: number };

/** CONNECT_BASELINE_CPU (162): xmlCPUs s<256>, flags u → s. */
export const connectBaselineCpu = procedure<CpuDocuments, string>({
  name: 'connectBaselineCpu',
  number: 162,
  priority: 'low',
  encode: (writer, { cpus, flags }) => {
    writeCpuDocuments(writer, cpus);
    writer.uint(flags);
  },
  decode: readString,
});

export type CpuDocument = { cpu: string; flags: number };

/** CONNECT_COMPARE_CPU (158): xml s, flags u → i. */
export const connectCompareCpu = procedure<CpuDocument, number>({
  name: 'connectCompareCpu',
  number: 158,
  priority: 'high',
  encode: (writer, { cpu, flags }) => {
    writer.string(cpu);
    writer.uint(flags);
  },
  decode: readInt,
});

/** CONNECT_BASELINE_HYPERVISOR_CPU (394): as 342 with xmlCPUs s<256> before the flags → s. */
export const connectBaselineHypervisorCpu = procedure<EmulatorChoice & CpuDocuments, string>({
  name: 'connectBaselineHypervisorCpu',
  number: 394,
  priority: 'low',
  access: 'write',
  encode: (writer, args) => {
    writeEmulatorChoice(writer, args);
    writeCpuDocuments(writer, args.cpus);
    writer.uint(args.flags);
  },
  decode: readString,
});

/** CONNECT_COMPARE_HYPERVISOR_CPU (393): as 342 with xmlCPU s before the flags → i. */
export const connectCompareHypervisorCpu = procedure<EmulatorChoice & CpuDocument, number>({
  name: 'connectCompareHypervisorCpu',
  number: 393,
  priority: 'low',
  access: 'write',
  encode: (writer, args) => {
    writeEmulatorChoice(writer, args);
    writer.string(args.cpu);
    writer.uint(args.flags);
  },
  decode: readInt,
});
