/**
 * A simulated host: its domains, and what can happen to them. Pure: time comes in as an argument,
 * events go out as values, in the order in which QEMU's driver sends them.
 *
 * H1  A start says RESUMED before STARTED.
 * H2  A destroy is SHUTDOWN with the old id, then STOPPED with id -1; a domain that ends by itself
 *     says both with the old id.
 * H3  The end of a transient domain has no UNDEFINED.
 * H4  An id is never given twice while the daemon lives.
 */
import {
  type DomainConfig,
  type SimulatedDisk,
  type SimulatedDomain,
  configOf,
  domainsByNumber,
  uuidBytes,
  uuidOf,
} from './domain.ts';
import { type DomainRow, diskAlias, now, paused, ranMs, running, shutoff } from './domain-row.ts';
import type { HostEvent } from './host-event.ts';
import { loadOf } from './load.ts';
import { failed, invalidArgument, noSuchDomain, notRunning, notValid } from './refusal.ts';

/** `VIR_DOMAIN_EVENT_*`. */
const eventDefined = 0;
const eventUndefined = 1;
const eventStarted = 2;
const eventSuspended = 3;
const eventResumed = 4;
const eventStopped = 5;
const eventShutdown = 6;

export type HostHardware = {
  cpus: number;
  mhz: number;
  memoryKiB: number;
};

export type HostOptions = {
  hostname: string;
  /** Default: made from the seed and the name. */
  hostUuid?: string;
  /** The domains, or how many: `vm00001` and so on, all running. Default none. */
  domains?: readonly SimulatedDomain[] | number;
  /** What is made up is alike for the same seed. Default 1. */
  seed?: number | string;
  /** Default: 64 CPUs, 512 GiB. */
  hardware?: Partial<HostHardware>;
  /** As libvirt counts: 1,000,000 × major + 1,000 × minor + micro. Default 7.2.22. */
  qemuVersion?: number;
};

/** The longest that a domain has run when its host appears: thirty days. */
const maxPastMs = 30 * 86_400_000;

export class SimulatedHost {
  readonly hostname: string;
  readonly hostUuid: string;
  readonly hardware: HostHardware;
  readonly qemuVersion: number;
  readonly #seed: string;
  readonly #byUuid = new Map<string, DomainRow>();
  readonly #uuidByName = new Map<string, string>();
  readonly #uuidById = new Map<number, string>();
  #nextId = 1;
  #nextCallbackId = 0;

  constructor(options: HostOptions, nowMs: number) {
    const { hostname, domains = [], seed = 1, hardware } = options;
    this.hostname = hostname;
    this.#seed = `${seed}/${hostname}`;
    this.hostUuid = options.hostUuid ?? uuidOf(this.#seed);
    this.hardware = { cpus: 64, mhz: 2_600, memoryKiB: 536_870_912, ...hardware };
    this.qemuVersion = options.qemuVersion ?? 7_002_022;
    const specs = typeof domains === 'number' ? domainsByNumber(domains) : domains;
    for (const spec of specs) this.#place(spec, nowMs);
  }

  /** What QEMU's machine types are named by: `7.2`. */
  get qemuLine(): string {
    return `${Math.floor(this.qemuVersion / 1_000_000)}.${Math.floor(this.qemuVersion / 1_000) % 1_000}`;
  }

  get domains(): IterableIterator<DomainRow> {
    return this.#byUuid.values();
  }

  get count(): number {
    return this.#byUuid.size;
  }

  byUuid(uuid: string): DomainRow | undefined {
    return this.#byUuid.get(uuid);
  }

  byName(name: string): DomainRow | undefined {
    return this.#byUuid.get(this.#uuidByName.get(name) ?? '');
  }

  byId(id: number): DomainRow | undefined {
    return this.#byUuid.get(this.#uuidById.get(id) ?? '');
  }

  /** By uuid or name, for tests and hands. */
  find(uuidOrName: string): DomainRow {
    const row = this.byUuid(uuidOrName) ?? this.byName(uuidOrName);
    if (row === undefined) throw noSuchDomain(`name '${uuidOrName}'`);
    return row;
  }

  /** Callback ids grow across all of a daemon's clients. */
  takeCallbackId(): number {
    return this.#nextCallbackId++;
  }

  /** Adds a domain, or changes one of the same uuid: from its next start on, if it runs. */
  define(spec: SimulatedDomain): HostEvent[] {
    const config = configOf(spec, this.#seed);
    const namesake = this.byName(config.name);
    if (namesake !== undefined && namesake.uuid !== config.uuid) {
      throw failed(`domain '${config.name}' already exists with uuid ${namesake.uuid}`);
    }
    const known = this.#byUuid.get(config.uuid);
    if (known === undefined) {
      const row = this.#add(config, { ...spec, persistent: true });
      return [lifecycle(row, eventDefined, 0)];
    }
    if (known.config.name !== config.name) {
      throw failed(`domain '${known.config.name}' is already defined with uuid ${known.uuid}`);
    }
    const added = !known.persistent;
    known.config = config;
    known.persistent = true;
    if (spec.autostart !== undefined) known.autostart = spec.autostart;
    return [lifecycle(known, eventDefined, added ? 0 : 1)];
  }

  /** A transient domain begins to run. */
  create(spec: SimulatedDomain, nowMs: number): HostEvent[] {
    const config = configOf(spec, this.#seed);
    if (this.#byUuid.has(config.uuid) || this.#uuidByName.has(config.name)) {
      throw failed(`domain '${config.name}' already exists with uuid ${config.uuid}`);
    }
    return this.start(this.#add(config, { ...spec, persistent: false }), nowMs);
  }

  start(row: DomainRow, nowMs: number, how: { paused?: boolean } = {}): HostEvent[] {
    if (row.live !== undefined) throw notValid('domain is already running');
    this.#boot(row, nowMs);
    if (row.managedSave) {
      row.managedSave = false;
      row.reason = 3; // restored
      return [lifecycle(row, eventStarted, 2), lifecycle(row, eventResumed, 2)];
    }
    if (how.paused === true) {
      pause(row, nowMs);
      return [lifecycle(row, eventStarted, 0), lifecycle(row, eventSuspended, 0)];
    }
    return [lifecycle(row, eventResumed, 0), lifecycle(row, eventStarted, 0)]; // H1
  }

  /** Of a paused domain: nothing happens, and libvirt says nothing. */
  suspend(row: DomainRow, nowMs: number): HostEvent[] {
    if (row.live === undefined) throw notRunning();
    if (row.state === paused) return [];
    pause(row, nowMs);
    return [lifecycle(row, eventSuspended, 0)];
  }

  resume(row: DomainRow, nowMs: number): HostEvent[] {
    if (row.live === undefined) throw notRunning();
    if (row.state === running) throw notValid('domain is already running');
    row.state = running;
    row.reason = 5; // unpaused
    row.runningSinceMs = nowMs;
    return [lifecycle(row, eventResumed, 0)];
  }

  /** The guest is asked to power off, and does. */
  shutdown(row: DomainRow): HostEvent[] {
    if (row.live === undefined) throw notValid('domain is not running');
    const before = lifecycle(row, eventShutdown, 1); // the guest asked
    const stopped = lifecycle(row, eventStopped, 0); // H2: both with the old id
    this.#stop(row, 1);
    return [before, stopped];
  }

  destroy(row: DomainRow): HostEvent[] {
    if (row.live === undefined) throw notRunning();
    const before = lifecycle(row, eventShutdown, 2); // the host asked
    this.#stop(row, 2);
    return [before, lifecycle(row, eventStopped, 1)]; // H2: without an id
  }

  /** QEMU is killed. */
  crash(row: DomainRow): HostEvent[] {
    if (row.live === undefined) throw notRunning();
    const stopped = lifecycle(row, eventStopped, 5);
    this.#stop(row, 3);
    return [stopped];
  }

  /** The guest's firmware starts anew, in the same QEMU process. */
  reset(row: DomainRow): HostEvent[] {
    if (row.live === undefined) throw notRunning();
    return [{ kind: 'reboot', domain: now(row) }];
  }

  managedSave(row: DomainRow, nowMs: number): HostEvent[] {
    if (row.live === undefined) throw notRunning();
    if (!row.persistent) throw notValid('cannot do managed save for transient domain');
    const suspended =
      row.state === paused ? [] : (pause(row, nowMs), [lifecycle(row, eventSuspended, 0)]);
    this.#stop(row, 5);
    row.managedSave = true;
    return [...suspended, lifecycle(row, eventStopped, 4)];
  }

  managedSaveRemove(row: DomainRow): HostEvent[] {
    if (!row.persistent) throw notValid('cannot do managed save for transient domain');
    row.managedSave = false;
    return [];
  }

  /** A running domain stays, as a transient one. */
  undefine(row: DomainRow): HostEvent[] {
    if (!row.persistent) throw notValid('cannot undefine transient domain');
    row.persistent = false;
    row.autostart = false;
    row.managedSave = false;
    if (row.live === undefined) this.#remove(row);
    else row.config = row.live;
    return [lifecycle(row, eventUndefined, 0)];
  }

  rename(row: DomainRow, name: string): HostEvent[] {
    if (row.live !== undefined) throw notValid('cannot rename active domain');
    if (this.byName(name) !== undefined)
      throw notValid(`domain with name '${name}' already exists`);
    const gone = lifecycle(row, eventUndefined, 1);
    this.#uuidByName.delete(row.config.name);
    row.config = { ...row.config, name };
    this.#uuidByName.set(name, row.uuid);
    return [gone, lifecycle(row, eventDefined, 2)];
  }

  setAutostart(row: DomainRow, autostart: boolean): HostEvent[] {
    if (!row.persistent) throw notValid('cannot set autostart for transient domain');
    row.autostart = autostart;
    return [];
  }

  /** `VIR_DOMAIN_METADATA_*`: 0 description, 1 title, 2 the element of a namespace. */
  setMetadata(
    row: DomainRow,
    type: number,
    value: string | undefined,
    nsUri: string | undefined,
  ): HostEvent[] {
    if (type < 0 || type > 2) throw invalidArgument(`unknown metadata type ${type}`);
    const change = (config: DomainConfig): DomainConfig => {
      if (type === 0) return { ...config, description: value };
      if (type === 1) return { ...config, title: value };
      const { [nsUri ?? '']: _, ...others } = config.metadata;
      return {
        ...config,
        metadata: value === undefined ? others : { ...others, [nsUri ?? '']: value },
      };
    };
    row.config = change(row.config);
    if (row.live !== undefined) row.live = change(row.live);
    return [{ kind: 'metadata-change', domain: now(row), type, nsUri }];
  }

  attachDisk(row: DomainRow, disk: SimulatedDisk): HostEvent[] {
    row.config = { ...row.config, disks: [...row.config.disks, disk] };
    if (row.live === undefined) return [];
    row.live = { ...row.live, disks: [...row.live.disks, disk] };
    return [{ kind: 'device-added', domain: now(row), alias: diskAlias(disk) }];
  }

  detachDisk(row: DomainRow, target: string): HostEvent[] {
    const without = (config: DomainConfig): DomainConfig => ({
      ...config,
      disks: config.disks.filter((disk) => disk.target !== target),
    });
    const disk = (row.live ?? row.config).disks.find((one) => one.target === target);
    if (disk === undefined) throw failed(`disk ${target} not found`);
    row.config = without(row.config);
    if (row.live === undefined) return [];
    row.live = without(row.live);
    return [{ kind: 'device-removed', domain: now(row), alias: diskAlias(disk) }];
  }

  /** A domain that is there from the beginning: no events. */
  #place(spec: SimulatedDomain, nowMs: number): void {
    const config = configOf(spec, this.#seed);
    if (this.#byUuid.has(config.uuid) || this.#uuidByName.has(config.name)) {
      throw new Error(`two domains ${config.name} (${config.uuid}) on ${this.hostname}`);
    }
    const row = this.#add(config, spec);
    const { state = 'running' } = spec;
    if (state === 'shutoff') return;
    this.#boot(row, nowMs);
    // It began to run some time ago, each at its own time.
    row.ranMs = Math.floor((maxPastMs * row.load.phase) / (2 * Math.PI));
    if (state === 'paused') pause(row, nowMs);
  }

  #add(config: DomainConfig, spec: SimulatedDomain): DomainRow {
    const row: DomainRow = {
      uuid: config.uuid,
      uuidBytes: uuidBytes(config.uuid),
      load: loadOf(this.#seed, config.uuid),
      config,
      live: undefined,
      id: -1,
      state: shutoff,
      reason: 0,
      persistent: spec.persistent ?? true,
      autostart: spec.autostart ?? false,
      managedSave: false,
      ranMs: 0,
      runningSinceMs: undefined,
    };
    this.#byUuid.set(row.uuid, row);
    this.#uuidByName.set(config.name, row.uuid);
    return row;
  }

  #boot(row: DomainRow, nowMs: number): void {
    row.id = this.#nextId++; // H4
    this.#uuidById.set(row.id, row.uuid);
    row.live = row.config;
    row.state = running;
    row.reason = 1; // booted
    row.ranMs = 0;
    row.runningSinceMs = nowMs;
  }

  #stop(row: DomainRow, reason: number): void {
    this.#uuidById.delete(row.id);
    row.id = -1;
    row.live = undefined;
    row.state = shutoff;
    row.reason = reason;
    row.ranMs = 0;
    row.runningSinceMs = undefined;
    if (!row.persistent) this.#remove(row); // H3
  }

  #remove(row: DomainRow): void {
    this.#byUuid.delete(row.uuid);
    this.#uuidByName.delete(row.config.name);
  }
}

function lifecycle(row: DomainRow, event: number, detail: number): HostEvent {
  return { kind: 'lifecycle', domain: now(row), event, detail };
}

function pause(row: DomainRow, nowMs: number): void {
  row.ranMs = ranMs(row, nowMs);
  row.runningSinceMs = undefined;
  row.state = paused;
  row.reason = 1; // by the user
}
