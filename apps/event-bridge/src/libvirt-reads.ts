import { createHash } from 'node:crypto';
import type { HostRecord } from '@virtscope/contracts';
import { parseDomainXml, type LabelRule } from '@virtscope/domain-xml';
import {
  type FeedEffect,
  type FeedInput,
  type Identity,
  type Now,
  type ReadReason,
} from '@virtscope/events';
import type { XmlStore } from '@virtscope/runtime';
import { allDomainStats, LibvirtError, type Domain, type Session } from 'node-libvirt';
import {
  VIR_CONNECT_LIST_DOMAINS_AUTOSTART,
  VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE,
  VIR_CONNECT_LIST_DOMAINS_PERSISTENT,
  VIR_DOMAIN_STATS_STATE,
  VIR_ERR_NO_DOMAIN,
} from 'node-libvirt/constants';

/** A cold probe of capabilities can take libvirtd half a minute; nobody waits for it but proofs. */
const identityTimeoutMs = 60_000;

/** Domains in one call for states: the most that libvirt takes. */
const chunk = 16_384;

/** What the mind asks of libvirt, as calls of one session. Answers are inputs; none throws. */
export class LibvirtReads {
  readonly #session: Session;
  readonly #labelRules: readonly LabelRule[];
  readonly #xmlStore: Pick<XmlStore, 'keep'>;

  /** @param xmlStore keeps each XML as it was, in its own time */
  constructor(
    session: Session,
    labelRules: readonly LabelRule[],
    xmlStore: Pick<XmlStore, 'keep'>,
  ) {
    this.#session = session;
    this.#labelRules = labelRules;
    this.#xmlStore = xmlStore;
  }

  /** What the daemon is: asked once per session. */
  async facts(): Promise<
    Required<Pick<HostRecord, 'driver' | 'libvirtVersion' | 'hypervisorVersion'>>
  > {
    const reason = 'session';
    const [driver, libvirt, hypervisor] = await Promise.all([
      this.#session.connectGetType({ reason }),
      this.#session.connectGetLibVersion({ reason }),
      this.#session.connectGetVersion({ reason }),
    ]);
    return {
      driver,
      libvirtVersion: versionText(libvirt),
      hypervisorVersion: versionText(hypervisor),
    };
  }

  /**
   * Every domain with its state. A domain that comes or goes between the calls sends an event,
   * and is read again for it.
   */
  async list(now: Now, reason: ReadReason): Promise<Extract<FeedInput, { type: 'listed' }>> {
    const session = this.#session;
    const flagged = async (flags: number): Promise<Set<string>> =>
      new Set((await session.connectListAllDomains({ flags }, { reason })).map(({ uuid }) => uuid));
    const listed = session.connectListAllDomains({}, { reason });
    const [all, { records: states }, persistent, autostart, managedSave] = await Promise.all([
      listed,
      listed.then((domains) =>
        // Records of the state alone are small: as many in a call as it takes.
        allDomainStats(session, { domains, stats: VIR_DOMAIN_STATS_STATE, chunk }, { reason }),
      ),
      flagged(VIR_CONNECT_LIST_DOMAINS_PERSISTENT),
      flagged(VIR_CONNECT_LIST_DOMAINS_AUTOSTART),
      flagged(VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE),
    ]);
    const stateOf = new Map(states.map(({ domain, params }) => [domain.uuid, { domain, params }]));
    return {
      type: 'listed',
      startedMs: now.wallMs,
      startedMonotonicMs: now.monotonicMs,
      domains: all.map(({ uuid, name, id }) => {
        const known = stateOf.get(uuid);
        return {
          uuid,
          name,
          // State and id from one record: a start between the two lists must not mix them.
          id: known?.domain.id ?? id,
          state: numberOf(known?.params.get('state.state')),
          reason: numberOf(known?.params.get('state.reason')),
          persistent: persistent.has(uuid),
          autostart: autostart.has(uuid),
          managedSave: managedSave.has(uuid),
        };
      }),
    };
  }

  /** The pair LOOKUP_BY_UUID (name and id) and GET_STATE. */
  async domain(
    { uuid, token, reason }: Extract<FeedEffect, { type: 'read' }>,
    startedMs: number,
  ): Promise<FeedInput> {
    const answer = { type: 'read', uuid, token, startedMs } as const;
    try {
      const [{ name, id }, { state, reason: stateReason }] = await Promise.all([
        this.#session.domainLookupByUuid(uuid, { reason }),
        this.#session.domainGetState(handle(uuid), { reason }),
      ]);
      return { ...answer, outcome: { found: true, name, id, state, reason: stateReason } };
    } catch (error) {
      if (isNoDomain(error)) return { ...answer, outcome: { found: false } };
      return { ...answer, outcome: { failed: String(error) } };
    }
  }

  async config(
    { uuid, reason }: Extract<FeedEffect, { type: 'readConfig' }>,
    startedMs: number,
  ): Promise<FeedInput> {
    const session = this.#session;
    const domain = handle(uuid);
    try {
      const [xml, persistent, autostart, managedSave] = await Promise.all([
        session.domainGetXmlDesc(domain, {}, { reason }),
        refusedIsNull(session.domainIsPersistent(domain, { reason })),
        refusedIsNull(session.domainGetAutostart(domain, { reason })),
        refusedIsNull(session.domainHasManagedSaveImage(domain, { reason })),
      ]);
      const {
        name: _name,
        uuid: _uuid,
        ...parts
      } = parseDomainXml(xml, {
        labelRules: this.#labelRules,
      });
      const config = {
        observedAt: new Date(startedMs).toISOString(),
        xmlHash: createHash('sha256').update(xml).digest('hex'),
        ...parts,
      };
      this.#xmlStore.keep(config.xmlHash, xml);
      return { type: 'config', uuid, outcome: { config, persistent, autostart, managedSave } };
    } catch (error) {
      return { type: 'config', uuid, outcome: { failed: String(error) } };
    }
  }

  /** The daemon's own identity: its host UUID stands only in its capabilities. */
  async identity(by: 'uuid' | 'hostname'): Promise<Identity | { failed: string }> {
    const reason = 'identity';
    try {
      const hostname = await this.#session.connectGetHostname({ reason });
      if (by === 'hostname') return { hostname };
      const xml = await this.#session.connectGetCapabilities({
        reason,
        timeoutMs: identityTimeoutMs,
      });
      const hostUuid = /<host>\s*<uuid>([0-9a-f-]{36})<\/uuid>/.exec(xml)?.[1];
      return hostUuid === undefined ? { hostname } : { hostname, hostUuid };
    } catch (error) {
      return { failed: String(error) };
    }
  }
}

/** libvirt finds a domain by the uuid alone; name and id of a handle may be anything. */
function handle(uuid: string): Domain {
  return { uuid, name: '', id: -1 };
}

/** A transient domain has no autostart, a driver may lack the call: then nothing is known. */
async function refusedIsNull(call: Promise<boolean>): Promise<boolean | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof LibvirtError && !isNoDomain(error)) return null;
    throw error;
  }
}

function isNoDomain(error: unknown): boolean {
  return error instanceof LibvirtError && error.code === VIR_ERR_NO_DOMAIN;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** libvirt packs versions as major * 1,000,000 + minor * 1,000 + release. */
function versionText(version: number): string {
  return [
    Math.floor(version / 1_000_000),
    Math.floor(version / 1_000) % 1_000,
    version % 1_000,
  ].join('.');
}
