/** The only place that builds and parses NATS subjects. */
import { fleetHost, hostIdPattern, type HostId } from './host-id.ts';
import { decodeToken, encodeToken } from './token.ts';

/** What a row or an event is about. */
export const thingTypes = ['host', 'domain', 'network', 'pool', 'nodedev', 'secret'] as const;
export type ThingType = (typeof thingTypes)[number];

export const statsTiers = ['fast', 'monitor', 'host'] as const;
export type StatsTier = (typeof statsTiers)[number];

/** The services that write under an epoch. */
export const writerRoles = ['event-bridge', 'stats-sampler', 'caps-cache'] as const;
export type WriterRole = (typeof writerRoles)[number];

const root = 'virt.v1';

export const subjects = {
  state: (host: HostId, type: ThingType, id: string) =>
    `${root}.state.${host}.${type}.${encodeToken(id)}`,
  /** The host's own record lies under its own id. */
  hostRecord: (host: HostId) => `${root}.state.${host}.host.${host}`,
  recordOfAll: `${root}.state.*.host.*`,
  domainsOfHost: (host: HostId) => `${root}.state.${host}.domain.*`,
  stateOfHost: (host: HostId) => `${root}.state.${host}.>`,
  stateOfAll: `${root}.state.>`,
  event: (host: HostId, type: ThingType, id: string, kind: string) =>
    `${root}.event.${host}.${type}.${encodeToken(id)}.${encodeToken(kind)}`,
  eventsOfHost: (host: HostId) => `${root}.event.${host}.>`,
  eventsOfAll: `${root}.event.>`,
  /** Events of one host, one domain, one kind, or any of them. */
  eventsWhere: ({
    host = '*',
    uuid,
    kind,
  }: {
    host?: HostId | undefined;
    uuid?: string | undefined;
    kind?: string | undefined;
  }) =>
    `${root}.event.${host}.${uuid === undefined ? '*.*' : `domain.${encodeToken(uuid)}`}.${kind === undefined ? '*' : encodeToken(kind)}`,
  stats: (host: HostId, tier: StatsTier, page: number) => `${root}.stats.${host}.${tier}.${page}`,
  statsOfTier: (host: HostId, tier: StatsTier) => `${root}.stats.${host}.${tier}.*`,
  statsOfAll: `${root}.stats.>`,
  /** Not kept: a sampler's word to the bridge that has the host. */
  hint: (host: HostId) => `${root}.hint.${host}`,
  heartbeat: (role: WriterRole, replica: string) =>
    `${root}.heartbeat.${role}.${encodeToken(replica)}`,
  heartbeatsOf: (role: WriterRole) => `${root}.heartbeat.${role}.*`,
  capsOfHost: (host: HostId) => `${root}.caps.host.${host}`,
  capsOfAnyHost: `${root}.caps.host.*`,
  /** A question that another replica passes on to the one that has the host. */
  capsOfReplica: (replica: string, host: HostId) =>
    `${root}.caps.replica.${encodeToken(replica)}.host.${host}`,
  capsPassedTo: (replica: string) => `${root}.caps.replica.${encodeToken(replica)}.host.*`,
  /** What a probe of a host tells, beside its capabilities. */
  factOfHost: (host: HostId) => `${root}.caps.fact.${host}`,
  factOfAnyHost: `${root}.caps.fact.*`,
  factOfReplica: (replica: string, host: HostId) =>
    `${root}.caps.replica.${encodeToken(replica)}.fact.${host}`,
  factPassedTo: (replica: string) => `${root}.caps.replica.${encodeToken(replica)}.fact.*`,
  historyOfHost: (host: HostId) => `${root}.caps.history.${host}`,
  historyOfAnyHost: `${root}.caps.history.*`,
  historyOfReplica: (replica: string, host: HostId) =>
    `${root}.caps.replica.${encodeToken(replica)}.history.${host}`,
  historyPassedTo: (replica: string) => `${root}.caps.replica.${encodeToken(replica)}.history.*`,
  /** Every replica answers for its own hosts. */
  capsIndex: `${root}.caps.index`,
  commonCpu: `${root}.caps.common-cpu`,
} as const;

export type ParsedStateSubject = { host: HostId; type: ThingType; id: string };
export type ParsedEventSubject = ParsedStateSubject & { kind: string };
export type ParsedStatsSubject = { host: HostId; tier: StatsTier; page: number };

/** @returns undefined for a subject that {@link subjects}.state does not build */
export function parseStateSubject(subject: string): ParsedStateSubject | undefined {
  const parts = tokens(subject, 'state', 6);
  return parts && thing(parts[3], parts[4], parts[5]);
}

/** @returns undefined for a subject that {@link subjects}.event does not build */
export function parseEventSubject(subject: string): ParsedEventSubject | undefined {
  const parts = tokens(subject, 'event', 7);
  const parsed = parts && thing(parts[3], parts[4], parts[5]);
  const kind = decodeToken(parts?.[6] ?? '');
  return parsed && kind !== undefined ? { ...parsed, kind } : undefined;
}

/** @returns undefined for a subject that {@link subjects}.stats does not build */
export function parseStatsSubject(subject: string): ParsedStatsSubject | undefined {
  const parts = tokens(subject, 'stats', 6);
  const host = hostOf(parts?.[3]);
  const tier = statsTiers.find((known) => known === parts?.[4]);
  if (host === undefined || tier === undefined || !/^\d{1,6}$/.test(parts?.[5] ?? '')) {
    return undefined;
  }
  return { host, tier, page: Number(parts?.[5]) };
}

/** @returns the host that a request asks about, to any replica or to one */
export function parseCapsSubject(subject: string): HostId | undefined {
  const parts = tokens(subject, 'caps', 5) ?? tokens(subject, 'caps', 7);
  const isOfHost = ['host', 'fact', 'history'].includes(parts?.at(-2) ?? '');
  return isOfHost ? hostOf(parts?.at(-1)) : undefined;
}

function tokens(subject: string, family: string, count: number): string[] | undefined {
  const parts = subject.split('.');
  return parts.length === count && parts[0] === 'virt' && parts[1] === 'v1' && parts[2] === family
    ? parts
    : undefined;
}

function thing(host?: string, type?: string, id?: string): ParsedStateSubject | undefined {
  const known = hostOf(host);
  const thingType = thingTypes.find((each) => each === type);
  const name = decodeToken(id ?? '');
  return known !== undefined && thingType !== undefined && name !== undefined
    ? { host: known, type: thingType, id: name }
    : undefined;
}

function hostOf(token: string | undefined): HostId | undefined {
  return token !== undefined && (token === fleetHost || hostIdPattern.test(token))
    ? token
    : undefined;
}
