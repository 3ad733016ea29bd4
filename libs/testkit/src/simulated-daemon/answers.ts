/**
 * What each procedure answers: arguments in, result out, as the protocol's tables have it. A
 * procedure of libvirt 9.0 that is not here is refused as one that the driver lacks.
 */
import type { NamedDomain, WireReader } from '../libvirt-wire/wire-reader.ts';
import { procedures } from '../libvirt-wire/procedures.ts';
import type { WireWriter } from '../libvirt-wire/wire-writer.ts';
import { capabilitiesXml } from './capabilities-xml.ts';
import { cpuModels } from './cpu-models.ts';
import { domainCapabilitiesXml } from './domain-capabilities-xml.ts';
import { domainsPassing, listFlags, statsFilterFlags } from './domain-filter.ts';
import { domainXml } from './domain-xml.ts';
import { type HostEvent, writeDomain } from './host-event.ts';
import {
  forbidden,
  noMetadata,
  noSuchDomain,
  notRunning,
  tooManyDomains,
  tooManyRecords,
  unsupportedFlags,
  unsupportedStats,
} from './refusal.ts';
import { type DomainRow, now } from './domain-row.ts';
import type { SimulatedHost } from './state.ts';
import { allStatsGroups, domainCpuTimeNs, writeStatsRecord } from './stats.ts';

export type AnswerContext = {
  readonly host: SimulatedHost;
  readonly readOnly: boolean;
  readonly kvmCounters: boolean;
  readonly nowMs: number;
  /** Tells all clients what happened. */
  readonly tell: (events: readonly HostEvent[]) => void;
};

type Answer = (context: AnswerContext, args: WireReader, reply: WireWriter) => void;

/** Most domains in a list, and most records in a stats reply. */
export const maxDomains = 16_384;

/** libvirt 9.0.0. */
const libVersion = 9_000_000;

export const driverUri = 'qemu:///system';

const wantedRow = ({ host }: AnswerContext, { uuid, name }: NamedDomain): DomainRow => {
  const row = host.byUuid(uuid);
  if (row === undefined) throw noSuchDomain(`uuid '${uuid}' (${name})`);
  return row;
};

/** A procedure whose arguments begin with a domain. */
const of =
  (answer: (row: DomainRow, context: AnswerContext, args: WireReader, reply: WireWriter) => void) =>
  (context: AnswerContext, args: WireReader, reply: WireWriter): void => {
    // The whole domain is read before it is looked up: a short call is refused as such.
    const named = args.domain();
    answer(wantedRow(context, named), context, args, reply);
  };

/** A procedure without arguments that answers with a text. */
const text =
  (value: (context: AnswerContext) => string): Answer =>
  (context, _args, reply) => {
    reply.string(value(context));
  };

function checkFlags(flags: number, known: number, qemuFunction: string): void {
  const unknown = (flags & ~known) >>> 0;
  if (unknown !== 0) throw unsupportedFlags(unknown, qemuFunction);
}

/** A change that a client asks for, and its events. */
const change = (
  happen: (row: DomainRow, context: AnswerContext, args: WireReader) => readonly HostEvent[],
): Answer =>
  of((row, context, args) => {
    context.tell(happen(row, context, args));
  });

const start: Answer = of((row, context, args, reply) => {
  const flags = args.uint();
  checkFlags(flags, 0x3f, 'qemuDomainCreateWithFlags');
  context.tell(context.host.start(row, context.nowMs, { paused: (flags & 1) !== 0 }));
  writeDomain(reply, now(row));
});

const requireRunning = (row: DomainRow): void => {
  if (row.live === undefined) throw notRunning();
};

/** An empty list with its count: there are no other objects than domains. */
const none: Answer = (_context, _args, reply) => {
  reply.uint(0);
  reply.uint(0);
};

/** {field s, value uh}<16>, nparams i: with nparams 0 only how many there are. */
function writeNodeStats(reply: WireWriter, nparams: number, stats: [string, number][]): void {
  const given = nparams === 0 ? [] : stats;
  reply.uint(given.length);
  for (const [field, value] of given) {
    reply.string(field);
    reply.counter(value);
  }
  reply.int(stats.length);
}

const freeKiB = (host: SimulatedHost): number => {
  let used = 0;
  for (const { live } of host.domains) used += live?.memoryKiB ?? 0;
  return Math.max(host.hardware.memoryKiB - used, host.hardware.memoryKiB / 16);
};

/** `VIR_CONNECT_GET_ALL_DOMAINS_STATS_*`: NOWAIT, BACKING, ENFORCE_STATS. */
const statsFlags = 0xe000_0000;
const enforceStats = 0x8000_0000;

const answersByName: { readonly [Name in keyof typeof procedures]?: Answer } = {
  connectGetType: text(() => 'QEMU'),
  connectGetVersion: ({ host }, _args, reply) => {
    reply.counter(host.qemuVersion);
  },
  connectGetLibVersion: (_context, _args, reply) => {
    reply.counter(libVersion);
  },
  connectGetHostname: text(({ host }) => host.hostname),
  connectGetUri: text(() => driverUri),
  connectGetCapabilities: text(({ host }) => capabilitiesXml(host)),
  connectGetCpuModelNames: (_context, _args, reply) => {
    reply.uint(cpuModels.length);
    for (const [name] of cpuModels) reply.string(name);
    reply.int(cpuModels.length);
  },
  // VIR_CPU_COMPARE_INCOMPATIBLE and _SUPERSET.
  connectCompareCpu: (_context, args, reply) => {
    const wanted = /<model[^>]*>([^<]*)</.exec(args.string())?.[1];
    reply.int(cpuModels.find(([name]) => name === wanted)?.[1] === true ? 2 : 0);
  },
  connectGetDomainCapabilities: ({ host }, args, reply) => {
    args.optionalString(); // the emulator: there is one
    const arch = args.optionalString();
    const choice = { arch, machine: args.optionalString(), virtType: args.optionalString() };
    reply.string(domainCapabilitiesXml(host, choice));
  },
  connectIsSecure: (_context, _args, reply) => {
    reply.bool(true);
  },
  connectGetMaxVcpus: (_context, _args, reply) => {
    reply.int(255);
  },
  nodeGetInfo: ({ host: { hardware } }, _args, reply) => {
    reply.fixedChars('x86_64', 32);
    reply.counter(hardware.memoryKiB);
    for (const value of [hardware.cpus, hardware.mhz, 1, 1, hardware.cpus, 1]) reply.int(value);
  },
  nodeGetCpuStats: ({ host: { hardware }, nowMs }, args, reply) => {
    const cpu = args.int();
    const share = cpu === -1 ? hardware.cpus : 1;
    const ns = Math.max(0, Math.floor(nowMs)) * 1e6 * share;
    writeNodeStats(reply, args.int(), [
      ['kernel', Math.floor(ns * 0.1)],
      ['user', Math.floor(ns * 0.2)],
      ['idle', Math.floor(ns * 0.69)],
      ['iowait', Math.floor(ns * 0.01)],
    ]);
  },
  nodeGetMemoryStats: ({ host }, args, reply) => {
    writeNodeStats(reply, args.int(), [
      ['total', host.hardware.memoryKiB],
      ['free', freeKiB(host)],
      ['buffers', 65_536],
      ['cached', 1_048_576],
    ]);
  },
  nodeGetFreeMemory: ({ host }, _args, reply) => {
    reply.counter(freeKiB(host) * 1_024);
  },
  nodeGetCellsFreeMemory: ({ host }, _args, reply) => {
    reply.uint(1);
    reply.counter(freeKiB(host) * 1_024);
  },
  // char<> of the model and of its domain of interpretation, a NUL at the end of each.
  nodeGetSecurityModel: (_context, _args, reply) => {
    reply.uint('none\0'.length);
    reply.fixedChars('none', 'none\0'.length);
    reply.uint('0\0'.length);
    reply.fixedChars('0', '0\0'.length);
  },

  connectListAllDomains: ({ host }, args, reply) => {
    const needResults = args.int() !== 0;
    const flags = args.uint();
    checkFlags(flags, listFlags, 'qemuConnectListAllDomains');
    const rows = domainsPassing(host.domains, flags);
    // Also when only the number is asked for: libvirt counts first.
    if (rows.length > maxDomains) throw tooManyDomains(rows.length, maxDomains);
    reply.uint(needResults ? rows.length : 0);
    if (needResults) for (const row of rows) writeDomain(reply, now(row));
    reply.uint(rows.length);
  },
  connectNumOfDomains: ({ host }, _args, reply) => {
    reply.int(domainsPassing(host.domains, 0x1).length);
  },
  connectNumOfDefinedDomains: ({ host }, _args, reply) => {
    reply.int(domainsPassing(host.domains, 0x2).length);
  },
  connectListDomains: ({ host }, args, reply) => {
    const rows = domainsPassing(host.domains, 0x1).slice(0, Math.min(args.int(), maxDomains));
    reply.uint(rows.length);
    for (const { id } of rows) reply.int(id);
  },
  connectListDefinedDomains: ({ host }, args, reply) => {
    const rows = domainsPassing(host.domains, 0x2).slice(0, Math.min(args.int(), maxDomains));
    reply.uint(rows.length);
    for (const { config } of rows) reply.string(config.name);
  },
  connectListAllNetworks: none,
  connectListAllStoragePools: none,
  connectListAllInterfaces: none,
  connectListAllNodeDevices: none,
  connectListAllSecrets: none,

  domainLookupById: ({ host }, args, reply) => {
    const id = args.int();
    const row = host.byId(id);
    if (row === undefined) throw noSuchDomain(`id ${id}`);
    writeDomain(reply, now(row));
  },
  domainLookupByName: ({ host }, args, reply) => {
    const name = args.string();
    const row = host.byName(name);
    if (row === undefined) throw noSuchDomain(`name '${name}'`);
    writeDomain(reply, now(row));
  },
  domainLookupByUuid: ({ host }, args, reply) => {
    const uuid = args.uuid();
    const row = host.byUuid(uuid);
    if (row === undefined) throw noSuchDomain(`uuid '${uuid}'`);
    writeDomain(reply, now(row));
  },

  domainGetState: of((row, _context, args, reply) => {
    checkFlags(args.uint(), 0, 'qemuDomainGetState');
    reply.int(row.state);
    reply.int(row.reason);
  }),
  domainGetInfo: of((row, { nowMs }, _args, reply) => {
    const { memoryKiB, vcpus } = row.live ?? row.config;
    reply.int(row.state);
    reply.counter(memoryKiB);
    reply.counter(memoryKiB);
    reply.int(vcpus);
    reply.counter(domainCpuTimeNs(row, nowMs));
  }),
  domainGetControlInfo: of((row, _context, args, reply) => {
    checkFlags(args.uint(), 0, 'qemuDomainGetControlInfo');
    requireRunning(row);
    reply.uint(0); // ok
    reply.uint(0);
    reply.counter(0);
  }),
  domainGetXmlDesc: of((row, { readOnly }, args, reply) => {
    const flags = args.uint();
    // SECURE shows passwords, and MIGRATABLE with it.
    if (readOnly && (flags & 0x9) !== 0) {
      throw forbidden('virDomainGetXMLDesc with secure flag');
    }
    checkFlags(flags, 0xf, 'qemuDomainGetXMLDesc');
    reply.string(domainXml(row, { inactive: (flags & 0x2) !== 0 }));
  }),
  domainGetMetadata: of((row, _context, args, reply) => {
    const type = args.int();
    const uri = args.optionalString();
    const { title, description, metadata } = row.live ?? row.config;
    const element = Object.hasOwn(metadata, uri ?? '') ? metadata[uri ?? ''] : undefined;
    const value = [description, title, element][type];
    if (value === undefined) throw noMetadata();
    reply.string(value);
  }),
  domainIsActive: of((row, _context, _args, reply) => {
    reply.bool(row.live !== undefined);
  }),
  domainIsPersistent: of((row, _context, _args, reply) => {
    reply.bool(row.persistent);
  }),
  domainIsUpdated: of((_row, _context, _args, reply) => {
    reply.bool(false);
  }),
  domainGetAutostart: of((row, _context, _args, reply) => {
    reply.bool(row.autostart);
  }),
  domainHasManagedSaveImage: of((row, _context, _args, reply) => {
    reply.bool(row.managedSave);
  }),
  domainGetOsType: of((_row, _context, _args, reply) => {
    reply.string('hvm');
  }),
  domainGetMaxMemory: of((row, _context, _args, reply) => {
    reply.counter((row.live ?? row.config).memoryKiB);
  }),
  domainGetMaxVcpus: of((row, _context, _args, reply) => {
    reply.int((row.live ?? row.config).vcpus);
  }),
  domainGetVcpusFlags: of((row, _context, _args, reply) => {
    reply.int((row.live ?? row.config).vcpus);
  }),
  // An empty label: char<> with its NUL, and that it is not enforced.
  domainGetSecurityLabel: of((_row, _context, _args, reply) => {
    reply.uint(1);
    reply.int(0);
    reply.int(0);
  }),
  domainGetMessages: of((_row, _context, _args, reply) => {
    reply.uint(0);
  }),
  domainGetJobInfo: of((row, _context, _args, reply) => {
    requireRunning(row);
    reply.int(0); // none
    for (let i = 0; i < 11; i++) reply.counter(0);
  }),
  domainGetJobStats: of((row, _context, _args, reply) => {
    requireRunning(row);
    reply.int(0); // none
    reply.uint(0);
  }),
  domainGetDiskErrors: of((_row, _context, _args, reply) => {
    reply.uint(0);
    reply.int(0);
  }),

  connectGetAllDomainStats: ({ host, kvmCounters, nowMs }, args, reply) => {
    const named = args.array(maxDomains, () => args.domain());
    const asked = args.uint();
    const flags = args.uint();
    checkFlags(flags, statsFilterFlags | statsFlags, 'qemuConnectGetAllDomainStats');
    const unknown = (asked & ~allStatsGroups) >>> 0;
    if (unknown !== 0 && (flags & enforceStats) !== 0) throw unsupportedStats(unknown);
    // A domain that is not there is left out, without a word.
    const rows =
      named.length === 0
        ? host.domains
        : named.map(({ uuid }) => host.byUuid(uuid)).filter((row) => row !== undefined);
    const passing = domainsPassing(rows, flags & statsFilterFlags);
    if (passing.length > maxDomains) throw tooManyRecords(passing.length, maxDomains);
    const request = { groups: asked === 0 ? allStatsGroups : asked, kvmCounters, nowMs };
    reply.uint(passing.length);
    const startAt = reply.offset;
    for (const [index, row] of passing.entries()) {
      writeStatsRecord(reply, row, request);
      // The others will take about as much: a reply of megabytes should not grow step by step.
      if (index === 0) reply.expect((reply.offset - startAt + 64) * passing.length);
    }
  },

  domainCreate: of((row, { host, nowMs, tell }) => {
    tell(host.start(row, nowMs));
  }),
  domainCreateWithFlags: start,
  domainSuspend: change((row, { host, nowMs }) => host.suspend(row, nowMs)),
  domainResume: change((row, { host, nowMs }) => host.resume(row, nowMs)),
  domainShutdown: change((row, { host }) => host.shutdown(row)),
  domainShutdownFlags: change((row, { host }) => host.shutdown(row)),
  domainDestroy: change((row, { host }) => host.destroy(row)),
  domainDestroyFlags: change((row, { host }) => host.destroy(row)),
  domainReboot: change((row, { host }) => host.reset(row)),
  domainReset: change((row, { host }) => host.reset(row)),
  domainManagedSave: change((row, { host, nowMs }) => host.managedSave(row, nowMs)),
  domainManagedSaveRemove: change((row, { host }) => host.managedSaveRemove(row)),
  domainUndefine: change((row, { host }) => host.undefine(row)),
  domainUndefineFlags: change((row, { host }) => host.undefine(row)),
  domainSetAutostart: change((row, { host }, args) => host.setAutostart(row, args.int() !== 0)),
  domainSetMetadata: change((row, { host }, args) => {
    const type = args.int();
    const value = args.optionalString();
    args.optionalString(); // the prefix, which the element has as well
    return host.setMetadata(row, type, value, args.optionalString());
  }),
  domainRename: of((row, { host, tell }, args, reply) => {
    tell(host.rename(row, args.optionalString() ?? ''));
    reply.int(0);
  }),
};

/** By number. */
export const answers: ReadonlyMap<number, Answer> = new Map(
  Object.entries(answersByName).map(([name, answer]) => [
    procedures[name as keyof typeof procedures],
    answer,
  ]),
);
