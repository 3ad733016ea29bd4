/** Where the events of the benchmark come from. */
import { startLibvirtd, startSimulatedDaemon } from '@virtscope/testkit';
import { connect } from 'node-libvirt';
import { admin } from 'node-libvirt/admin';
import type { Source } from './at-rate.ts';

const domains = 500;

type OwnedSource = Source & AsyncDisposable;

/** A simulated daemon of 500 domains, each suspended and resumed in its turn. */
export async function simulatedSource(socketPath: string): Promise<OwnedSource> {
  const daemon = await startSimulatedDaemon({
    socketPath,
    hostname: 'sim1.test',
    domains,
    seed: 1,
  });
  const paused = new Set<string>();
  let place = 0;
  return {
    host: 'sim1',
    uri: daemon.uri,
    label: String,
    send: (sent) => {
      const name = `vm${String((place++ % domains) + 1).padStart(5, '0')}`;
      sent();
      if (paused.delete(name)) {
        daemon.resume(name);
      } else {
        paused.add(name);
        daemon.suspend(name);
      }
    },
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/** The one domain of libvirt's test driver, in a real libvirtd: one call after the other. */
export async function testDriverSource(): Promise<OwnedSource> {
  await using started = new AsyncDisposableStack();
  const libvirtd = started.use(await startLibvirtd());
  const session = started.use(await connect(libvirtd.testUriRw, { readOnly: false }));
  const write = admin(session);
  const [domain] = await session.connectListAllDomains();
  if (domain === undefined) throw new Error('the test driver has no domain');
  let isPaused = false;
  let last: Promise<void> = Promise.resolve();
  const owned = started.move();
  return {
    host: 'test1',
    uri: libvirtd.testUri,
    label: (rate) => `test${rate}`,
    send: (sent) => {
      last = last.then(() => {
        sent();
        isPaused = !isPaused;
        return isPaused ? write.domainSuspend(domain) : write.domainResume(domain);
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
