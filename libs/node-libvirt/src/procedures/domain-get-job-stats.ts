import { readTypedParameters, type TypedParameters } from '../protocol/typed-parameter.ts';
import { procedure } from './procedure.ts';
import { type DomainAndFlags, writeDomainAndFlags } from './shared.ts';

export type DomainJobStats = {
  /** `VIR_DOMAIN_JOB_*`. */
  type: number;
  params: TypedParameters;
};

const maxJobParameters = 64;

/** DOMAIN_GET_JOB_STATS (298): dom, flags u → type i, tp<64>. Waits when the monitor hangs. */
export const domainGetJobStats = procedure<DomainAndFlags, DomainJobStats>({
  name: 'domainGetJobStats',
  number: 298,
  priority: 'low',
  encode: writeDomainAndFlags,
  decode: (reader) => ({
    type: reader.int(),
    params: readTypedParameters(reader, maxJobParameters),
  }),
});
