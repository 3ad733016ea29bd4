/** Asks libvirt for one fact, and makes its document of what it says. */
import { cpuModelXml, parseDomainCapabilities } from '@virtscope/caps';
import { cpuModelsSchema, type FactDocument, type FactQuestion } from '@virtscope/contracts';
import { LibvirtError, type Session } from 'node-libvirt';

/** A cold emulator is probed by starting it: some seconds, more where the host is busy. */
const domainTimeoutMs = 120_000;
const compareTimeoutMs = 10_000;

/**
 * @param arch of the host's CPU
 * @throws {LibvirtError} there is no such thing on this host
 * @throws whatever the session fails with
 */
export async function probe(
  session: Session,
  question: FactQuestion,
  { arch, reason }: { arch: string; reason: string },
): Promise<FactDocument> {
  if (question.type === 'domain') {
    const xml = await session.connectGetDomainCapabilities(question.emulator, {
      reason,
      timeoutMs: domainTimeoutMs,
    });
    return parseDomainCapabilities(xml);
  }
  const options = { reason, timeoutMs: compareTimeoutMs };
  const names = await session.connectGetCpuModelNames(arch, options);
  const models = await Promise.all(
    names.toSorted().map(async (name) => ({
      name,
      usable: await isUsable(session, cpuModelXml(arch, name), options),
    })),
  );
  return cpuModelsSchema.parse({ v: 1, type: 'cpu-models', arch, models });
}

/** A model that libvirt itself knows by name alone cannot be compared, nor used. */
async function isUsable(
  session: Session,
  cpu: string,
  options: { reason: string; timeoutMs: number },
): Promise<boolean> {
  try {
    return (await session.connectCompareCpu(cpu, {}, options)) > 0;
  } catch (error) {
    if (error instanceof LibvirtError) return false;
    throw error;
  }
}
