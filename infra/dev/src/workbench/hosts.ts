import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Libvirtd,
  answersRpc,
  pulseGuest,
  simulatedFleet,
  startLibvirtd,
} from '@virtscope/testkit';
import type { FleetOptions } from '../arguments.ts';
import type { Paths } from '../paths.ts';
import type { HostUri, RunningProcess } from './state.ts';
import { workbenchVariable } from './strays.ts';

export type StartedHost = { libvirtd: Libvirtd; host: HostUri; process: RunningProcess };

/** Starts a private host; `driver` says which of its drivers the fleet sees. */
export async function startHost(
  paths: Paths,
  id: string,
  driver: 'qemu' | 'test',
  outliveOwner: boolean,
): Promise<StartedHost> {
  const libvirtd = await startLibvirtd({
    name: id,
    dir: join(paths.run, id),
    hostUuid: stableUuid(paths.state, id),
    env: { [workbenchVariable]: paths.state },
    outliveOwner,
  });
  const uri = driver === 'qemu' ? libvirtd.uri : libvirtd.testUri;
  const process: RunningProcess = {
    name: id,
    layer: 'host',
    refs: libvirtd.refs,
    log: libvirtd.logFile,
  };
  return { libvirtd, host: { id, uri }, process };
}

/** Hosts that live in one process and have no hypervisor. */
export async function simulateFleet(
  paths: Paths,
  fleet: FleetOptions,
  outliveOwner: boolean,
): Promise<{ hosts: HostUri[]; process: RunningProcess }> {
  const dir = join(paths.run, 'fleet');
  mkdirSync(dir, { recursive: true });
  const env = { [workbenchVariable]: paths.state };
  const { server, hosts, logFile } = await simulatedFleet({ dir, ...fleet, env, outliveOwner });
  const process: RunningProcess = {
    name: 'simulated-fleet',
    layer: 'host',
    refs: [server.ref],
    log: logFile,
  };
  return { hosts: [...hosts], process };
}

/** Defines `count` tiny guests on a host and starts all but the last one. */
export async function populate(paths: Paths, libvirtd: Libvirtd, count: number): Promise<void> {
  for (let index = 1; index <= count; index += 1) {
    const name = `vm${index}`;
    const uuid = stableUuid(paths.state, name);
    const guest = pulseGuest(join(paths.run, 'guests'), { name, uuid });
    await libvirtd.virsh('define', guest.xmlPath);
    if (index < count || count === 1) await libvirtd.virsh('start', name);
  }
}

/** The read-only sockets of a machine's own libvirt, monolithic and modular. */
const ownSockets = ['/run/libvirt/libvirt-sock-ro', '/run/libvirt/virtqemud-sock-ro'];

/** The machine's own QEMU domains, when a libvirt daemon serves them read-only. */
export async function ownHost(
  sockets: readonly string[] = ownSockets,
): Promise<HostUri | undefined> {
  for (const socket of sockets) {
    if (await answersRpc(socket)) {
      return { id: 'local', uri: `qemu+unix:///system?socket=${socket}` };
    }
  }
  return undefined;
}

/** One UUID per name and state folder: a domain stays itself from one `up` to the next. */
function stableUuid(stateDir: string, name: string): string {
  const hex = createHash('sha256').update(`${stateDir}\0${name}`).digest('hex');
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) % 4] ?? '8';
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-');
}
