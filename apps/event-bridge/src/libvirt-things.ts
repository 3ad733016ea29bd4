import { createHash } from 'node:crypto';
import type { ThingConfig, ThingRowType } from '@virtscope/contracts';
import {
  parseThingXml,
  type FeedEffect,
  type FeedInput,
  type ListedThing,
  type ThingReadOutcome,
} from '@virtscope/events';
import type { Clock } from '@virtscope/runtime';
import { LibvirtError, type CallOptions, type Session } from 'node-libvirt';
import {
  VIR_CONNECT_LIST_NETWORKS_ACTIVE,
  VIR_CONNECT_LIST_NETWORKS_AUTOSTART,
  VIR_CONNECT_LIST_NETWORKS_PERSISTENT,
  VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE,
  VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE,
  VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART,
  VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT,
  VIR_ERR_INVALID_ARG,
  VIR_ERR_NO_NETWORK,
  VIR_ERR_NO_NODE_DEVICE,
  VIR_ERR_NO_SECRET,
  VIR_ERR_NO_STORAGE_POOL,
  VIR_ERR_NO_SUPPORT,
  VIR_ERR_RPC,
} from 'node-libvirt/constants';

/** How long the mind waits for a list or a read of things. */
const answerTimeoutMs = 5_000;
/**
 * A call about a pool whose storage hangs keeps its place in libvirt whatever we do. It is not given
 * up while the session lasts, so that no second one of its type joins it: domains keep their slots.
 */
const callTimeoutMs = 24 * 3_600_000;

/** libvirt's positive answer that there is no such thing: a proof (bus rule 5). */
const notFound: Record<ThingRowType, number> = {
  network: VIR_ERR_NO_NETWORK,
  pool: VIR_ERR_NO_STORAGE_POOL,
  nodedev: VIR_ERR_NO_NODE_DEVICE,
  secret: VIR_ERR_NO_SECRET,
};

const poolStates = ['inactive', 'building', 'running', 'degraded', 'inaccessible'] as const;

type Found = Omit<ListedThing, 'id'> & { xml: string; facts?: Record<string, unknown> };

/**
 * What the mind asks of libvirt about networks, pools, node devices and secrets: for each type one
 * call at a time, one after the other. Answers are inputs; none throws.
 */
export class LibvirtThings {
  readonly #session: Session;
  readonly #clock: Clock;
  /** The last work of each type, over when it is settled. */
  readonly #lanes = new Map<ThingRowType, Promise<unknown>>();

  constructor(session: Session, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  async list(
    { of, reason }: Extract<FeedEffect, { type: 'listThings' }>,
    startedMs: number,
  ): Promise<FeedInput> {
    const answer = { type: 'thingsListed', of, startedMs } as const;
    try {
      const lists = {
        network: () => this.#networks(options(reason)),
        pool: () => this.#pools(options(reason)),
        nodedev: () => this.#nodedevs(options(reason)),
        secret: () => this.#secrets(options(reason)),
      };
      return { ...answer, outcome: { things: await this.#inTurn(of, lists[of]) } };
    } catch (error) {
      if (isUnsupported(error)) return { ...answer, outcome: 'unsupported' };
      return { ...answer, outcome: { failed: String(error) } };
    }
  }

  async read(
    { thing, token, reason }: Extract<FeedEffect, { type: 'readThing' }>,
    startedMs: number,
  ): Promise<FeedInput> {
    const answer = { type: 'thingRead', thing, token, startedMs } as const;
    try {
      const reads = {
        network: () => this.#network(thing.id, options(reason)),
        pool: () => this.#pool(thing.id, options(reason)),
        nodedev: () => this.#nodedev(thing.id, options(reason)),
        secret: () => this.#secret(thing.id, options(reason)),
      };
      const found = await this.#inTurn(thing.type, reads[thing.type]);
      return { ...answer, outcome: outcomeOf(thing.type, found, startedMs) };
    } catch (error) {
      if (isCode(error, notFound[thing.type])) return { ...answer, outcome: { found: false } };
      return { ...answer, outcome: { failed: String(error) } };
    }
  }

  /** @throws when it has no answer in time; the work itself then goes on, and others wait for it */
  async #inTurn<T>(type: ThingRowType, work: () => Promise<T>): Promise<T> {
    const over = new AbortController();
    const turn = (this.#lanes.get(type) ?? Promise.resolve()).then(() => {
      over.signal.throwIfAborted();
      return work();
    });
    this.#lanes.set(
      type,
      turn.catch(() => undefined),
    );
    const late = this.#clock.sleep(answerTimeoutMs, over.signal).then(() => {
      throw new Error(`no answer about a ${type} within ${answerTimeoutMs} ms`);
    });
    try {
      return await Promise.race([turn, late]);
    } finally {
      over.abort(new Error('given up before its turn came'));
    }
  }

  async #networks(o: CallOptions): Promise<ListedThing[]> {
    const list = (flags: number): Promise<Iterable<{ uuid: string; name: string }>> =>
      this.#session.connectListAllNetworks({ flags }, o);
    return listedByUuid(list, {
      active: VIR_CONNECT_LIST_NETWORKS_ACTIVE,
      persistent: VIR_CONNECT_LIST_NETWORKS_PERSISTENT,
      autostart: VIR_CONNECT_LIST_NETWORKS_AUTOSTART,
    });
  }

  async #pools(o: CallOptions): Promise<ListedThing[]> {
    const list = (flags: number): Promise<Iterable<{ uuid: string; name: string }>> =>
      this.#session.connectListAllStoragePools({ flags }, o);
    return listedByUuid(list, {
      active: VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE,
      persistent: VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT,
      autostart: VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART,
    });
  }

  async #nodedevs(o: CallOptions): Promise<ListedThing[]> {
    const all = await this.#session.connectListAllNodeDevices({}, o);
    const inactive = await this.#inactiveNodedevs(o);
    return all.map(({ name }) => ({
      id: name,
      name,
      active: !inactive.has(name),
      persistent: null,
      autostart: null,
    }));
  }

  /** Defined mediated devices alone can be inactive; an older libvirt has none and no flag. */
  async #inactiveNodedevs(o: CallOptions): Promise<Set<string>> {
    try {
      const flags = VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE;
      const inactive = await this.#session.connectListAllNodeDevices({ flags }, o);
      return new Set(inactive.map(({ name }) => name));
    } catch (error) {
      if (isCode(error, VIR_ERR_INVALID_ARG)) return new Set();
      throw error;
    }
  }

  async #secrets(o: CallOptions): Promise<ListedThing[]> {
    const secrets = await this.#session.connectListAllSecrets({}, o);
    return secrets.map(({ uuid, usageId }) => ({
      id: uuid,
      name: usageId,
      active: null,
      persistent: null,
      autostart: null,
    }));
  }

  async #network(uuid: string, o: CallOptions): Promise<Found> {
    const network = await this.#session.networkLookupByUuid(uuid, o);
    const flags = VIR_CONNECT_LIST_NETWORKS_AUTOSTART;
    const autostart = await this.#session.connectListAllNetworks({ flags }, o);
    return {
      name: network.name,
      active: await this.#session.networkIsActive(network, o),
      persistent: await this.#session.networkIsPersistent(network, o),
      autostart: autostart.some((each) => each.uuid === uuid),
      xml: await this.#session.networkGetXmlDesc(network, {}, o),
    };
  }

  async #pool(uuid: string, o: CallOptions): Promise<Found> {
    const pool = await this.#session.storagePoolLookupByUuid(uuid, o);
    const flags = VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART;
    const autostart = await this.#session.connectListAllStoragePools({ flags }, o);
    const info = await this.#session.storagePoolGetInfo(pool, o);
    return {
      name: pool.name,
      active: await this.#session.storagePoolIsActive(pool, o),
      persistent: await this.#session.storagePoolIsPersistent(pool, o),
      autostart: autostart.some((each) => each.uuid === uuid),
      xml: await this.#session.storagePoolGetXmlDesc(pool, {}, o),
      facts: {
        state: poolStates[info.state] ?? `unknown-${info.state}`,
        capacityBytes: Number(info.capacityBytes),
        allocationBytes: Number(info.allocationBytes),
        availableBytes: Number(info.availableBytes),
      },
    };
  }

  async #nodedev(name: string, o: CallOptions): Promise<Found> {
    const device = await this.#session.nodeDeviceLookupByName(name, o);
    const inactive = await this.#inactiveNodedevs(o);
    return {
      name,
      active: !inactive.has(name),
      persistent: null,
      autostart: null,
      xml: await this.#session.nodeDeviceGetXmlDesc(device, o),
    };
  }

  async #secret(uuid: string, o: CallOptions): Promise<Found> {
    const secret = await this.#session.secretLookupByUuid(uuid, o);
    return {
      name: secret.usageId,
      active: null,
      persistent: null,
      autostart: null,
      xml: await this.#session.secretGetXmlDesc(secret, o),
    };
  }
}

function options(reason: string): CallOptions {
  return { reason, timeoutMs: callTimeoutMs };
}

/** All things, and by further lists which of them have the properties; none further when empty. */
async function listedByUuid(
  list: (flags: number) => Promise<Iterable<{ uuid: string; name: string }>>,
  flags: Record<'active' | 'persistent' | 'autostart', number>,
): Promise<ListedThing[]> {
  const all = [...(await list(0))];
  if (all.length === 0) return [];
  const having = async (flag: number): Promise<Set<string>> =>
    new Set([...(await list(flag))].map(({ uuid }) => uuid));
  const active = await having(flags.active);
  const persistent = await having(flags.persistent);
  const autostart = await having(flags.autostart);
  return all.map(({ uuid, name }) => ({
    id: uuid,
    name,
    active: active.has(uuid),
    persistent: persistent.has(uuid),
    autostart: autostart.has(uuid),
  }));
}

function outcomeOf(
  type: ThingRowType,
  { xml, facts, ...standing }: Found,
  startedMs: number,
): ThingReadOutcome {
  return { found: true, ...standing, config: configOf(type, xml, facts, startedMs) };
}

function configOf(
  type: ThingRowType,
  xml: string,
  facts: Record<string, unknown> | undefined,
  startedMs: number,
): ThingConfig | undefined {
  try {
    return {
      observedAt: new Date(startedMs).toISOString(),
      xmlHash: createHash('sha256').update(xml).digest('hex'),
      ...parseThingXml(type, xml, facts),
    };
  } catch {
    // The mind notes it and keeps what it had.
    return undefined;
  }
}

/** No such driver in this daemon, or a daemon that does not know the call. */
function isUnsupported(error: unknown): boolean {
  return isCode(error, VIR_ERR_NO_SUPPORT) || isCode(error, VIR_ERR_RPC);
}

function isCode(error: unknown, code: number): boolean {
  return error instanceof LibvirtError && error.code === code;
}
