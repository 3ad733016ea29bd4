/**
 * A libvirt client in pure TypeScript: libvirt's RPC protocol over one socket, no native code.
 *
 *     await using session = await connect('qemu:///system');
 *     for (const domain of await session.connectListAllDomains()) console.log(domain.name);
 */
export { connect, type ConnectOptions } from './connect.ts';
export type { Credentials } from './authentication/credentials.ts';
export type { EventOptions, PingOptions, Session } from './session.ts';
export { allDomainStats, type AllDomainStats, type ChunkedStatsArgs } from './all-domain-stats.ts';
export type { CallBill, CallOptions } from './rpc/call.ts';
export {
  CallRefusedError,
  type CallRefusal,
  ConnectError,
  type ConnectFailure,
  ConnectionLostError,
  DeadlineExceededError,
  EventGapError,
  InvalidUriError,
  LibvirtError,
  ProtocolError,
  type RemoteError,
} from './errors.ts';
export type {
  Domain,
  Interface,
  Network,
  NodeDevice,
  Secret,
  StoragePool,
  StorageVol,
} from './protocol/identity.ts';
export type { ParameterLayout } from './protocol/parameter-layout.ts';
export type { DomainStatsColumns } from './protocol/stats-columns.ts';
export type { TypedParameters, TypedValue } from './protocol/typed-parameter.ts';
export type { Counter } from './protocol/xdr-reader.ts';
export type { EmulatorChoice } from './procedures/capabilities.ts';
export type { NodeInfo } from './procedures/node.ts';
export type { DomainControlInfo, DomainInfo, DomainState } from './procedures/domain-state.ts';
export type { DomainJobStats } from './procedures/domain-get-job-stats.ts';
export type {
  AllDomainStatsArgs,
  DomainStatsRecord,
} from './procedures/connect-get-all-domain-stats.ts';
export type {
  DomainBlockInfo,
  DomainBlockStats,
  DomainDiskError,
} from './procedures/domain-block.ts';
export type { DomainVcpu, DomainVcpus } from './procedures/domain-cpu.ts';
export type { DomainFsInfo, DomainTime } from './procedures/domain-guest.ts';
export type { DomainInterface, DomainInterfaceStats } from './procedures/domain-interface.ts';
export type { DhcpLease } from './procedures/network.ts';
export type { StoragePoolInfo } from './procedures/storage-pool.ts';
export type { StorageVolInfo } from './procedures/storage-vol.ts';
export {
  type DomainEvent,
  type DomainEventKind,
  domainEventKinds,
  type DomainEventOf,
  type DomainEventPayloads,
  type GraphicsAddress,
} from './events/domain-event.ts';
export type { DomainEventStream, EventStream, ObjectEventStream } from './events/event-stream.ts';
export {
  type ObjectEvent,
  type ObjectEventKind,
  objectEventKinds,
  type ObjectEventOf,
  type ObjectEventPayloads,
} from './events/object-event.ts';
