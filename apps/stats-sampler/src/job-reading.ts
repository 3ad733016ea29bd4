import type { DomainRef, JobReading } from '@virtscope/stats';
import { LibvirtError, type CallOptions, type Session } from 'node-libvirt';
import { VIR_DOMAIN_JOB_NONE, VIR_ERR_OPERATION_UNSUPPORTED } from 'node-libvirt/constants';

/**
 * What a domain says of its job. libvirt refuses the question on a migration's target: progress is
 * told on the source alone [libvirt 9.0].
 *
 * @throws LibvirtError when there is no such domain, or the driver tells nothing of jobs
 */
export async function readJob(
  session: Session,
  domain: DomainRef,
  options: CallOptions,
): Promise<JobReading> {
  try {
    const { type, params } = await session.domainGetJobStats(domain, {}, options);
    if (type === VIR_DOMAIN_JOB_NONE) return 'none';
    return params.names.map((name, index) => [name, params.valueAt(index) ?? ''] as const);
  } catch (error) {
    if (error instanceof LibvirtError && error.code === VIR_ERR_OPERATION_UNSUPPORTED)
      return 'incoming';
    throw error;
  }
}
