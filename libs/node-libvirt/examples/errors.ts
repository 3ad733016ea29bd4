/**
 * Tells why a host cannot be reached, and whether a domain is there.
 *
 *     node examples/errors.ts URI UUID
 */
import { connect, ConnectError, DeadlineExceededError, LibvirtError } from 'node-libvirt';
import { VIR_ERR_NO_DOMAIN } from 'node-libvirt/constants';

const [uri = 'qemu:///system', uuid = ''] = process.argv.slice(2);
try {
  await using session = await connect(uri, { connectTimeoutMs: 3_000 });
  const domain = await session.domainLookupByUuid(uuid, { timeoutMs: 1_000 });
  console.log(`there: ${domain.name}`);
} catch (error) {
  if (error instanceof ConnectError) console.log(`no session: ${error.reason}`);
  else if (error instanceof LibvirtError && error.code === VIR_ERR_NO_DOMAIN) console.log('gone');
  else if (error instanceof DeadlineExceededError) console.log('unknown: it does not answer');
  else throw error;
}
