/**
 * The writing calls: the door `node-libvirt/admin`. A program that only reads does not import it,
 * and a read-only session refuses every one of them before the wire.
 *
 *     await using session = await connect('qemu:///system', { readOnly: false });
 *     await admin(session).domainSuspend(domain);
 */
import { invoke } from './calls/caller.ts';
import * as domains from './procedures/domain-write.ts';
import * as objects from './procedures/object-write.ts';
import type { Procedure } from './procedures/procedure.ts';
import type {
  Domain,
  Network,
  NodeDevice,
  Secret,
  StoragePool,
  StorageVol,
} from './protocol/identity.ts';
import type { CallOptions } from './rpc/call.ts';
import type { Session } from './session.ts';

export type Flags = { flags?: number };

/** The writing calls of a session. @throws {CallRefusedError} `read-only` */
export function admin(session: Session): Admin {
  return new Admin(session);
}

/** Names as in the rest of the package; flags are libvirt's. */
export class Admin {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  #call<Args, Result>(
    procedure: Procedure<Args, Result>,
    args: Args,
    options: CallOptions | undefined,
  ): Promise<Result> {
    return this.#session[invoke](procedure, args, options);
  }

  /** Defines a persistent domain, or redefines it; flag 1 validates the XML. Procedure 350. */
  domainDefineXml(xml: string, args: Flags = {}, options?: CallOptions): Promise<Domain> {
    return this.#call(domains.domainDefineXml, { xml, flags: args.flags ?? 0 }, options);
  }

  /** Starts a transient domain; flag 1 paused, 2 ends it with this session. Procedure 10. */
  domainCreateXml(xml: string, args: Flags = {}, options?: CallOptions): Promise<Domain> {
    return this.#call(domains.domainCreateXml, { xml, flags: args.flags ?? 0 }, options);
  }

  /** Starts a defined domain; flag 1 paused. Procedure 196. */
  domainCreate(domain: Domain, args: Flags = {}, options?: CallOptions): Promise<Domain> {
    return this.#call(domains.domainCreate, { domain, flags: args.flags ?? 0 }, options);
  }

  /** Flag 1 managed save, 2 snapshots, 4 nvram, 0x10 checkpoints go with it. Procedure 231. */
  domainUndefine(domain: Domain, args: Flags = {}, options?: CallOptions): Promise<void> {
    return this.#call(domains.domainUndefine, { domain, flags: args.flags ?? 0 }, options);
  }

  /** Pulls the plug; flag 1 gracefully. Procedure 234. */
  domainDestroy(domain: Domain, args: Flags = {}, options?: CallOptions): Promise<void> {
    return this.#call(domains.domainDestroy, { domain, flags: args.flags ?? 0 }, options);
  }

  /** Procedure 34. */
  domainSuspend(domain: Domain, options?: CallOptions): Promise<void> {
    return this.#call(domains.domainSuspend, domain, options);
  }

  /** Procedure 28. */
  domainResume(domain: Domain, options?: CallOptions): Promise<void> {
    return this.#call(domains.domainResume, domain, options);
  }

  /** Asks the guest to shut down. Procedure 258. */
  domainShutdown(domain: Domain, args: Flags = {}, options?: CallOptions): Promise<void> {
    return this.#call(domains.domainShutdown, { domain, flags: args.flags ?? 0 }, options);
  }

  /** Asks the guest to reboot. Procedure 27. */
  domainReboot(domain: Domain, args: Flags = {}, options?: CallOptions): Promise<void> {
    return this.#call(domains.domainReboot, { domain, flags: args.flags ?? 0 }, options);
  }

  /** The reset button. Procedure 245. */
  domainReset(domain: Domain, options?: CallOptions): Promise<void> {
    return this.#call(domains.domainReset, { domain, flags: 0 }, options);
  }

  /** Saves its state to disk and stops it; its next start goes on from there. Procedure 182. */
  domainManagedSave(domain: Domain, args: Flags = {}, options?: CallOptions): Promise<void> {
    return this.#call(domains.domainManagedSave, { domain, flags: args.flags ?? 0 }, options);
  }

  /** Procedure 184. */
  domainManagedSaveRemove(domain: Domain, options?: CallOptions): Promise<void> {
    return this.#call(domains.domainManagedSaveRemove, { domain, flags: 0 }, options);
  }

  /** Flag 1 live, 2 configuration. Procedure 160. */
  domainAttachDevice(
    domain: Domain,
    xml: string,
    args: Flags = {},
    options?: CallOptions,
  ): Promise<void> {
    const { flags = 0 } = args;
    return this.#call(domains.domainAttachDevice, { domain, xml, flags }, options);
  }

  /** Flag 1 live, 2 configuration. Procedure 161. */
  domainDetachDevice(
    domain: Domain,
    xml: string,
    args: Flags = {},
    options?: CallOptions,
  ): Promise<void> {
    const { flags = 0 } = args;
    return this.#call(domains.domainDetachDevice, { domain, xml, flags }, options);
  }

  /** Flag 1 live, 2 configuration. Procedure 174. */
  domainUpdateDevice(
    domain: Domain,
    xml: string,
    args: Flags = {},
    options?: CallOptions,
  ): Promise<void> {
    const { flags = 0 } = args;
    return this.#call(domains.domainUpdateDevice, { domain, xml, flags }, options);
  }

  /** Procedure 199. */
  domainSetVcpus(
    domain: Domain,
    vcpus: number,
    args: Flags = {},
    options?: CallOptions,
  ): Promise<void> {
    const { flags = 0 } = args;
    return this.#call(domains.domainSetVcpus, { domain, size: vcpus, flags }, options);
  }

  /** Procedure 204. */
  domainSetMemory(
    domain: Domain,
    memoryKiB: number,
    args: Flags = {},
    options?: CallOptions,
  ): Promise<void> {
    const { flags = 0 } = args;
    return this.#call(domains.domainSetMemory, { domain, size: memoryKiB, flags }, options);
  }

  /** Title, description, or an element; without `metadata` it is removed. Procedure 264. */
  domainSetMetadata(
    domain: Domain,
    args: { type: number; metadata?: string; key?: string; uri?: string; flags?: number },
    options?: CallOptions,
  ): Promise<void> {
    return this.#call(domains.domainSetMetadata, { domain, flags: 0, ...args }, options);
  }

  /** Renames a domain that does not run. Procedure 358. */
  domainRename(domain: Domain, name: string, options?: CallOptions): Promise<void> {
    return this.#call(domains.domainRename, { domain, name }, options);
  }

  /** Procedure 386. */
  domainSetBlockThreshold(
    domain: Domain,
    dev: string,
    thresholdBytes: number,
    options?: CallOptions,
  ): Promise<void> {
    return this.#call(domains.domainSetBlockThreshold, { domain, dev, thresholdBytes }, options);
  }

  /**
   * Migrates to another host. The two daemons do it between them (flag 2, peer to peer, is added);
   * 1 live, 8 persist there, 0x10 undefine here. Give it a long deadline: it answers at the end.
   * Procedure 305.
   */
  domainMigrateToUri(
    domain: Domain,
    destination: string,
    args: { params?: Record<string, string | number | bigint>; flags?: number } = {},
    options?: CallOptions,
  ): Promise<void> {
    const { params = {}, flags = 0 } = args;
    const wire = { domain, destination, params, flags: flags | peerToPeer };
    return this.#call(domains.domainMigratePerform, wire, options);
  }

  /** Procedure 41. */
  networkDefineXml(xml: string, options?: CallOptions): Promise<Network> {
    return this.#call(objects.networkDefineXml, xml, options);
  }

  /** Procedure 39. */
  networkCreate(network: Network, options?: CallOptions): Promise<void> {
    return this.#call(objects.networkCreate, network, options);
  }

  /** Procedure 42. */
  networkDestroy(network: Network, options?: CallOptions): Promise<void> {
    return this.#call(objects.networkDestroy, network, options);
  }

  /** Procedure 49. */
  networkUndefine(network: Network, options?: CallOptions): Promise<void> {
    return this.#call(objects.networkUndefine, network, options);
  }

  /** Procedure 77. */
  storagePoolDefineXml(xml: string, options?: CallOptions): Promise<StoragePool> {
    return this.#call(objects.storagePoolDefineXml, { xml, flags: 0 }, options);
  }

  /** Procedure 79. */
  storagePoolBuild(pool: StoragePool, options?: CallOptions): Promise<void> {
    return this.#call(objects.storagePoolBuild, pool, options);
  }

  /** Procedure 78. */
  storagePoolCreate(pool: StoragePool, options?: CallOptions): Promise<void> {
    return this.#call(objects.storagePoolCreate, pool, options);
  }

  /** Procedure 83. */
  storagePoolRefresh(pool: StoragePool, options?: CallOptions): Promise<void> {
    return this.#call(objects.storagePoolRefresh, pool, options);
  }

  /** Procedure 80. */
  storagePoolDestroy(pool: StoragePool, options?: CallOptions): Promise<void> {
    return this.#call(objects.storagePoolDestroy, pool, options);
  }

  /** Deletes what the pool stands on. Procedure 81. */
  storagePoolDelete(pool: StoragePool, options?: CallOptions): Promise<void> {
    return this.#call(objects.storagePoolDelete, pool, options);
  }

  /** Procedure 82. */
  storagePoolUndefine(pool: StoragePool, options?: CallOptions): Promise<void> {
    return this.#call(objects.storagePoolUndefine, pool, options);
  }

  /** Procedure 93. */
  storageVolCreateXml(pool: StoragePool, xml: string, options?: CallOptions): Promise<StorageVol> {
    return this.#call(objects.storageVolCreateXml, { pool, xml, flags: 0 }, options);
  }

  /** Procedure 94. */
  storageVolDelete(vol: StorageVol, options?: CallOptions): Promise<void> {
    return this.#call(objects.storageVolDelete, vol, options);
  }

  /** Procedure 142. */
  secretDefineXml(xml: string, options?: CallOptions): Promise<Secret> {
    return this.#call(objects.secretDefineXml, { xml, flags: 0 }, options);
  }

  /** Procedure 144. */
  secretSetValue(secret: Secret, value: Uint8Array, options?: CallOptions): Promise<void> {
    return this.#call(objects.secretSetValue, { secret, value }, options);
  }

  /** Procedure 146. */
  secretUndefine(secret: Secret, options?: CallOptions): Promise<void> {
    return this.#call(objects.secretUndefine, secret, options);
  }

  /** Procedure 123. */
  nodeDeviceCreateXml(xml: string, options?: CallOptions): Promise<NodeDevice> {
    return this.#call(objects.nodeDeviceCreateXml, { xml, flags: 0 }, options);
  }

  /** Procedure 124. */
  nodeDeviceDestroy(device: NodeDevice, options?: CallOptions): Promise<void> {
    return this.#call(objects.nodeDeviceDestroy, device, options);
  }
}

/** VIR_MIGRATE_PEER2PEER */
const peerToPeer = 2;
