import type { Progress } from '../progress.ts';
import { getLibvirt11, getNatsServer210 } from './debian-13.ts';
import { getSystemPackages, testRequirements, upRequirements } from './system-packages.ts';
import { getNatsServer, getRedisServer, getUnpacked } from './unpacked-servers.ts';

/** Gets every server that the workbench starts and the machine lacks. */
export async function installServers(progress: Progress): Promise<void> {
  await getSystemPackages(upRequirements, progress);
  await installBus(progress);
}

/** What a simulated fleet needs: no hypervisor, and nothing that is installed. */
export async function installBus(progress: Progress): Promise<void> {
  await getNatsServer(progress);
  await getRedisServer(progress);
}

/** The same, and what only tests ask for. */
export async function installForTests(progress: Progress): Promise<void> {
  await getSystemPackages([...upRequirements, ...testRequirements], progress);
  await installBus(progress);
  await getUnpacked('openssh-server', 'sshd', progress);
  await getUnpacked('sasl2-bin', 'saslpasswd2', progress);
  await getUnpacked('prometheus-libvirt-exporter', 'prometheus-libvirt-exporter', progress);
  await getNatsServer210(progress);
  await getLibvirt11(progress);
}
