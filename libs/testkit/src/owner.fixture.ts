/**
 * An owner to be killed: starts what its argument names, prints the references of every process
 * that came of it as one line of JSON, and waits for its end.
 */
import { startFarLink } from './far-link/far-link.ts';
import { defineAndStart, pulseGuest } from './pulse-guest.ts';
import { processRef } from './process-ref.ts';
import { startLibvirtd } from './libvirtd.ts';
import { startNats } from './nats-server.ts';
import { startRedis } from './redis-server.ts';

const [what = '', dir = ''] = process.argv.slice(2);

async function start(): Promise<number[]> {
  switch (what) {
    case 'nats':
      return [(await startNats({ dir })).pid];
    case 'outliving-nats':
      return [(await startNats({ dir, outliveOwner: true })).pid];
    case 'redis':
      return [(await startRedis({ dir })).pid];
    case 'libvirtd': {
      const host = await startLibvirtd({ dir });
      await defineAndStart(host, pulseGuest(dir, { name: 'vm1' }));
      return [...host.refs.map((ref) => ref.pid), host.pid, host.qemuPid('vm1')];
    }
    case 'far-libvirtd': {
      const link = await startFarLink({ delayMs: 40 });
      const host = await startLibvirtd({ dir, link, listen: { tcp: true } });
      return [link.ref.pid, ...host.refs.map((ref) => ref.pid), host.pid];
    }
    default:
      throw new Error(
        `usage: owner.fixture.ts nats|outliving-nats|redis|libvirtd|far-libvirtd DIR, not ${what}`,
      );
  }
}

console.log(JSON.stringify((await start()).map(processRef)));
setInterval(() => undefined, 60_000);
