/** Changing domains. None of these is allowed on a read-only connection. */
import { type Domain, readDomain, writeDomain } from '../protocol/identity.ts';
import { writeTypedParameters } from '../protocol/typed-parameter.ts';
import type { XdrWriter } from '../protocol/xdr-writer.ts';
import { type Procedure, procedure } from './procedure.ts';
import { type DomainAndFlags, writeDomainAndFlags } from './shared.ts';

type Priority = 'high' | 'low';

/** dom → */
function onDomain(name: string, number: number, priority: Priority): Procedure<Domain, void> {
  return procedure({ name, number, priority, access: 'write', encode: writeDomain });
}

/** dom, flags u → */
function onDomainWithFlags(
  name: string,
  number: number,
  priority: Priority,
): Procedure<DomainAndFlags, void> {
  return procedure({ name, number, priority, access: 'write', encode: writeDomainAndFlags });
}

export type XmlAndFlags = { xml: string; flags: number };

/** xml s, flags u */
export function writeXmlAndFlags(writer: XdrWriter, { xml, flags }: XmlAndFlags): void {
  writer.string(xml);
  writer.uint(flags);
}

/** DOMAIN_DEFINE_XML_FLAGS (350): xml s, flags u → dom. */
export const domainDefineXml = procedure<XmlAndFlags, Domain>({
  name: 'domainDefineXmlFlags',
  number: 350,
  priority: 'high',
  access: 'write',
  encode: writeXmlAndFlags,
  decode: readDomain,
});

/** DOMAIN_CREATE_XML (10): xml s, flags u → dom. */
export const domainCreateXml = procedure<XmlAndFlags, Domain>({
  name: 'domainCreateXml',
  number: 10,
  priority: 'low',
  access: 'write',
  encode: writeXmlAndFlags,
  decode: readDomain,
});

/** DOMAIN_CREATE_WITH_FLAGS (196): dom, flags u → dom. */
export const domainCreate = procedure<DomainAndFlags, Domain>({
  name: 'domainCreateWithFlags',
  number: 196,
  priority: 'low',
  access: 'write',
  encode: writeDomainAndFlags,
  decode: readDomain,
});

/** DOMAIN_UNDEFINE_FLAGS (231). */
export const domainUndefine = onDomainWithFlags('domainUndefineFlags', 231, 'high');
/** DOMAIN_DESTROY_FLAGS (234). */
export const domainDestroy = onDomainWithFlags('domainDestroyFlags', 234, 'high');
/** DOMAIN_SUSPEND (34). */
export const domainSuspend = onDomain('domainSuspend', 34, 'low');
/** DOMAIN_RESUME (28). */
export const domainResume = onDomain('domainResume', 28, 'low');
/** DOMAIN_SHUTDOWN_FLAGS (258). */
export const domainShutdown = onDomainWithFlags('domainShutdownFlags', 258, 'low');
/** DOMAIN_REBOOT (27). */
export const domainReboot = onDomainWithFlags('domainReboot', 27, 'low');
/** DOMAIN_RESET (245). */
export const domainReset = onDomainWithFlags('domainReset', 245, 'low');
/** DOMAIN_MANAGED_SAVE (182). */
export const domainManagedSave = onDomainWithFlags('domainManagedSave', 182, 'low');
/** DOMAIN_MANAGED_SAVE_REMOVE (184). */
export const domainManagedSaveRemove = onDomainWithFlags('domainManagedSaveRemove', 184, 'low');

export type DeviceArgs = { domain: Domain; xml: string; flags: number };

function onDevice(name: string, number: number): Procedure<DeviceArgs, void> {
  return procedure({
    name,
    number,
    priority: 'low',
    access: 'write',
    encode: (writer, { domain, xml, flags }: DeviceArgs) => {
      writeDomain(writer, domain);
      writer.string(xml);
      writer.uint(flags);
    },
  });
}

/** DOMAIN_ATTACH_DEVICE_FLAGS (160): dom, xml s, flags u. */
export const domainAttachDevice = onDevice('domainAttachDeviceFlags', 160);
/** DOMAIN_DETACH_DEVICE_FLAGS (161): dom, xml s, flags u. */
export const domainDetachDevice = onDevice('domainDetachDeviceFlags', 161);
/** DOMAIN_UPDATE_DEVICE_FLAGS (174): dom, xml s, flags u. */
export const domainUpdateDevice = onDevice('domainUpdateDeviceFlags', 174);

export type SizeArgs = { domain: Domain; size: number; flags: number };

function writeSize(writer: XdrWriter, { domain, size, flags }: SizeArgs): void {
  writeDomain(writer, domain);
  writer.uint(size);
  writer.uint(flags);
}

/** DOMAIN_SET_VCPUS_FLAGS (199): dom, nvcpus u, flags u. */
export const domainSetVcpus = procedure<SizeArgs>({
  name: 'domainSetVcpusFlags',
  number: 199,
  priority: 'low',
  access: 'write',
  encode: writeSize,
});

/** DOMAIN_SET_MEMORY_FLAGS (204): dom, memory uh KiB, flags u. */
export const domainSetMemory = procedure<SizeArgs>({
  name: 'domainSetMemoryFlags',
  number: 204,
  priority: 'low',
  access: 'write',
  encode: (writer, { domain, size, flags }) => {
    writeDomain(writer, domain);
    writer.unsignedHyper(size);
    writer.uint(flags);
  },
});

export type SetMetadataArgs = {
  domain: Domain;
  type: number;
  /** Absent: remove it. */
  metadata?: string | undefined;
  /** Prefix and namespace, for an element. */
  key?: string | undefined;
  uri?: string | undefined;
  flags: number;
};

/** DOMAIN_SET_METADATA (264): dom, type i, metadata s?, key s?, uri s?, flags u. */
export const domainSetMetadata = procedure<SetMetadataArgs>({
  name: 'domainSetMetadata',
  number: 264,
  priority: 'low',
  access: 'write',
  encode: (writer, args) => {
    writeDomain(writer, args.domain);
    writer.int(args.type);
    writer.optionalString(args.metadata);
    writer.optionalString(args.key);
    writer.optionalString(args.uri);
    writer.uint(args.flags);
  },
});

/** DOMAIN_RENAME (358): dom, new_name s?, flags u → i. */
export const domainRename = procedure<{ domain: Domain; name: string }>({
  name: 'domainRename',
  number: 358,
  priority: 'low',
  access: 'write',
  encode: (writer, { domain, name }) => {
    writeDomain(writer, domain);
    writer.optionalString(name);
    writer.uint(0);
  },
});

/** DOMAIN_SET_BLOCK_THRESHOLD (386): dom, dev s, threshold uh, flags u. */
export const domainSetBlockThreshold = procedure<{
  domain: Domain;
  dev: string;
  thresholdBytes: number;
}>({
  name: 'domainSetBlockThreshold',
  number: 386,
  priority: 'low',
  access: 'write',
  encode: (writer, { domain, dev, thresholdBytes }) => {
    writeDomain(writer, domain);
    writer.string(dev);
    writer.unsignedHyper(thresholdBytes);
    writer.uint(0);
  },
});

export type MigrateArgs = {
  domain: Domain;
  /** The target's libvirt URI, as the source's daemon reaches it. */
  destination: string;
  /** `VIR_MIGRATE_PARAM_*`, such as `migrate_uri`, `destination_name`. */
  params: Readonly<Record<string, string | number | bigint>>;
  /** `VIR_MIGRATE_*`; 2, peer to peer, is what makes the daemons do it by themselves. */
  flags: number;
};

/** DOMAIN_MIGRATE_PERFORM3_PARAMS (305): dom, dconnuri s?, tp<64>, cookie_in opaque, flags u → opaque. */
export const domainMigratePerform = procedure<MigrateArgs>({
  name: 'domainMigratePerform3Params',
  number: 305,
  priority: 'low',
  access: 'write',
  encode: (writer, { domain, destination, params, flags }) => {
    writeDomain(writer, domain);
    writer.optionalString(destination);
    writeTypedParameters(writer, params);
    writer.opaque(new Uint8Array());
    writer.uint(flags);
  },
});
