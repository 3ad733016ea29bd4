export {
  type CountingProxy,
  type CountingProxyOptions,
  type ProxiedConnection,
  startCountingProxy,
} from './counting-proxy/counting-proxy.ts';
export { type Bill, type Direction, sumOf, type Tally } from './counting-proxy/bill.ts';
export { type FarLink, type FarLinkOptions, startFarLink } from './far-link/far-link.ts';
export { freePort } from './free-port.ts';
export { answersRpc } from './libvirt-probe.ts';
export type { ListenOptions, SaslUser } from './libvirtd-listen.ts';
export { lend, startLeasedNetwork, type LentAddress } from './leased-network.ts';
export { type Libvirtd, type LibvirtdOptions, startLibvirtd } from './libvirtd.ts';
export { type NatsOptions, type NatsServer, startNats } from './nats-server.ts';
export { makePki, mixPki } from './pki.ts';
export { type ProcessRef, isAlive, processRef, signalProcess } from './process-ref.ts';
export {
  type PulseGuest,
  type PulseGuestOptions,
  defineAndStart,
  pulseGuest,
} from './pulse-guest.ts';
export { type RedisOptions, type RedisServer, startRedis } from './redis-server.ts';
export { type Launch, ServerProcess, ServerStartError, logTail } from './server-process.ts';
export {
  type MetricSample,
  ServiceProcess,
  type ServiceName,
  type ServiceOptions,
  startService,
} from './service-process.ts';
export type {
  SimulatedDisk,
  SimulatedDomain,
  SimulatedInterface,
} from './simulated-daemon/domain.ts';
export {
  type SimulatedDaemon,
  type SimulatedDaemonOptions,
  startSimulatedDaemon,
} from './simulated-daemon/server.ts';
export { simulatedFleet, type SimulatedFleet } from './simulated-daemon/fleet.ts';
export type { HostHardware } from './simulated-daemon/state.ts';
export { type DomainLine, Stack } from './stack.ts';
export { type TempDir, tempDir } from './temp-dir.ts';
export {
  type LibvirtVersion,
  type NatsVersion,
  type Tool,
  ToolMissingError,
  libvirt11Root,
  natsTool,
  redisTool,
  systemTool,
  toolsDir,
  unpackedCommand,
  virshCommand,
} from './tool.ts';
export { virsh } from './virsh.ts';
export { type WaitOptions, WaitTimeoutError, waitFor } from './wait-for.ts';
