/**
 * Prints the domains of a host, then what happens to them.
 *
 *     node examples/list-domains.ts [URI]
 */
import { connect } from 'node-libvirt';
import { domainStateName, lifecycleDetailName, lifecycleEventName } from 'node-libvirt/constants';

const stop = new AbortController();
process.once('SIGINT', () => {
  stop.abort();
});

await using session = await connect(process.argv[2] ?? 'qemu:///system', { signal: stop.signal });
// Subscribe first, then list: what happens in between is in the stream.
await using events = await session.domainEvents(['lifecycle']);
for (const domain of await session.connectListAllDomains()) {
  const { state } = await session.domainGetState(domain);
  console.log(`${domain.uuid} ${domain.name} ${domainStateName(state)}`);
}
for await (const event of events) {
  if (event.kind !== 'lifecycle') continue;
  const { domain, event: what, detail } = event;
  console.log(`${domain.name} ${lifecycleEventName(what)} (${lifecycleDetailName(what, detail)})`);
}
