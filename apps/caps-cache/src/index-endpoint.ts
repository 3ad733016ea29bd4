/** `virt.v1.caps.index`: what this replica knows of its hosts, in messages of {@link maxIndexHosts}. */
import { encodeToken, maxIndexHosts, subjects, type CapsIndex } from '@virtscope/contracts';
import type { ServiceEndpoint } from '@virtscope/runtime';
import type { Kinds } from './kinds.ts';

/** Every replica answers, so each has a queue group of its own. */
export function indexEndpoint(replica: string, kinds: Kinds): ServiceEndpoint {
  return {
    name: 'index',
    subject: subjects.capsIndex,
    queueGroup: encodeToken(replica),
    handle: (request) => {
      const messages = indexOf(replica, kinds);
      const last = messages.pop();
      for (const message of messages) request.respond(JSON.stringify(message));
      return Promise.resolve({ body: JSON.stringify(last) });
    },
  };
}

export function indexOf(replica: string, kinds: Kinds): CapsIndex[] {
  const hosts = [...kinds.hosts].map(
    ([host, { hash, kind, standing, observedAt, fingerprint }]) => ({
      host,
      hash,
      kind,
      standing,
      observedAt,
      libvirtVersion: fingerprint.libvirtVersion,
      hypervisorVersion: fingerprint.hypervisorVersion,
      ...(kinds.differs(host) ? { differs: true as const } : {}),
    }),
  );
  const count = Math.max(1, Math.ceil(hosts.length / maxIndexHosts));
  return Array.from({ length: count }, (_, index) => ({
    v: 1,
    replica,
    more: count - 1 - index,
    hosts: hosts.slice(index * maxIndexHosts, (index + 1) * maxIndexHosts),
  }));
}
