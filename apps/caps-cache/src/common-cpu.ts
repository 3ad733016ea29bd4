/** `virt.v1.caps.common-cpu`: the best CPU that a set of hosts can be, by libvirt's own baseline. */
import { contentHash, hostCpuXml, parseCommonCpu } from '@virtscope/caps';
import {
  commonCpuQuestionSchema,
  subjects,
  type CapsReply,
  type CommonCpuReply,
  type HostId,
} from '@virtscope/contracts';
import { parseJson, type ServiceEndpoint } from '@virtscope/runtime';
import { LibvirtError } from 'node-libvirt';
import { VIR_ERR_OPERATION_FAILED } from 'node-libvirt/constants';
import type { Kinds } from './kinds.ts';

/** A baseline takes some milliseconds; libvirtd may be busy. */
const baselineTimeoutMs = 5_000;
/** Sets of CPUs whose baseline is remembered; at the bound the oldest is worked out anew. */
const maxKnown = 256;
const retryAfterMs = 1_000;

type Refusal = Extract<CommonCpuReply, { ok: false }>;
type Baseline = { ok: true; xml: string } | { ok: false; message: string };

export type CommonCpuOptions = {
  kinds: Kinds;
  /** The capabilities of any host, whichever replica has it. */
  capabilitiesOf: (host: HostId) => Promise<CapsReply>;
};

export class CommonCpu {
  readonly #options: CommonCpuOptions;
  readonly #known = new Map<string, Baseline>();

  constructor(options: CommonCpuOptions) {
    this.#options = options;
  }

  get endpoint(): ServiceEndpoint {
    return {
      name: 'common-cpu',
      subject: subjects.commonCpu,
      handle: async ({ data }) => {
        const asked = commonCpuQuestionSchema.safeParse(parseJson(data));
        const reply = asked.success
          ? await this.answer(asked.data.hosts)
          : refusal('bad-request', 'the request names no hosts: {"hosts": ["hv1", "hv2"]}');
        if (reply.ok) return { body: JSON.stringify(reply) };
        const code = { 'bad-request': 400, 'unknown-host': 404, none: 409, unavailable: 503 }[
          reply.code
        ];
        return { body: JSON.stringify(reply), error: { code, description: reply.message } };
      },
    };
  }

  /** Never rejects: what goes wrong is a refusal. */
  async answer(hosts: readonly HostId[]): Promise<CommonCpuReply> {
    const replies = await Promise.all(hosts.map((host) => this.#options.capabilitiesOf(host)));
    const cpus = new Set<string>();
    const arches = new Set<string>();
    for (const reply of replies) {
      if (!reply.ok) {
        const code = reply.code === 'unknown-host' ? 'unknown-host' : 'unavailable';
        return refusal(code, `${reply.host}: ${reply.message}`, reply.retryAfterMs);
      }
      arches.add(reply.document.cpu.arch);
      cpus.add(hostCpuXml(reply.document.cpu));
    }
    if (arches.size > 1) {
      return refusal('none', `the hosts are of different architectures: ${[...arches].join(', ')}`);
    }
    return this.#baseline([...hosts], [...cpus].toSorted(), [...arches][0] ?? '');
  }

  async #baseline(hosts: HostId[], cpus: readonly string[], arch: string): Promise<CommonCpuReply> {
    // The newest libvirt knows most models: an older one refuses what its successors call a CPU.
    const [asker] = [...this.#options.kinds.hosts.values()]
      .filter(({ document, session }) => document.cpu.arch === arch && session?.isOpen === true)
      .toSorted((a, b) => b.fingerprint.libvirtVersion - a.fingerprint.libvirtVersion);
    if (asker?.session === undefined) {
      return refusal('unavailable', `no session with a host of ${arch} is open here`, retryAfterMs);
    }
    const key = contentHash(`${asker.fingerprint.libvirtVersion}\n${cpus.join('\n')}`);
    let known = this.#known.get(key);
    if (known === undefined) {
      try {
        const options = { reason: 'common-cpu', timeoutMs: baselineTimeoutMs };
        const xml = await asker.session.connectBaselineCpu(cpus, {}, options);
        known = { ok: true, xml };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const isWorkedOut =
          error instanceof LibvirtError && error.code === VIR_ERR_OPERATION_FAILED;
        if (!isWorkedOut) return refusal('unavailable', message, retryAfterMs);
        // There is none: of other vendors, say.
        known = { ok: false, message };
      }
      const [oldest] = this.#known.size >= maxKnown ? this.#known.keys() : [];
      if (oldest !== undefined) this.#known.delete(oldest);
      this.#known.set(key, known);
    }
    if (!known.ok) return refusal('none', known.message);
    return { v: 1, ok: true, hosts, ...parseCommonCpu(known.xml), xml: known.xml };
  }
}

function refusal(code: Refusal['code'], message: string, retryAfterMs?: number): Refusal {
  return {
    v: 1,
    ok: false,
    code,
    message: message.slice(0, 4096),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
