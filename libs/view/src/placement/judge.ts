/**
 * Whether a host can give a domain what it needs: a reason for each check, and none is guessed. What
 * would tell but is missing makes the verdict `unknown`, never `yes`.
 */
import type {
  Capabilities,
  CpuModels,
  DomainCapabilities,
  Needs,
  Reason,
  Verdict,
} from '@virtscope/contracts';
import type { HostFacts, Told } from './host-facts.ts';

type Check = Reason['check'];
type Guest = Capabilities['guests'][number];

export function judge(needs: Needs, facts: HostFacts, freeMemoryKiB: number | undefined): Reason[] {
  const reasons: Reason[] = [];
  const say = (check: Check, verdict: Verdict, detail: string): void => {
    reasons.push({ check, verdict, detail });
  };
  if ('document' in facts.capabilities) {
    judgeGuest(needs, facts.capabilities.document, facts, say);
  } else {
    say('capabilities', 'unknown', whyOf(facts.capabilities));
  }
  if (needs.memoryKiB !== undefined) judgeMemory(needs.memoryKiB, freeMemoryKiB, say);
  return reasons;
}

/** The verdict of all reasons together. */
export function verdictOf(reasons: readonly Reason[]): Verdict {
  if (reasons.some(({ verdict }) => verdict === 'no')) return 'no';
  return reasons.some(({ verdict }) => verdict === 'unknown') ? 'unknown' : 'yes';
}

type Say = (check: Check, verdict: Verdict, detail: string) => void;

function judgeGuest(
  needs: Needs,
  { cpu, guests }: Capabilities,
  { cpuModels, domain }: HostFacts,
  say: Say,
): void {
  const arch = needs.arch ?? cpu.arch;
  const ofArch = guests.filter((guest) => guest.arch === arch);
  const types = [...new Set(ofArch.flatMap(({ domainTypes }) => domainTypes))];
  const virtType = needs.virtType ?? (types.includes('kvm') ? 'kvm' : types[0]);
  const fitting = ofArch.filter(
    (guest) => virtType !== undefined && guest.domainTypes.includes(virtType),
  );
  if (virtType === undefined || fitting.length === 0) {
    const has = types.length === 0 ? 'no emulator' : `only ${types.join(', ')}`;
    return say('guest', 'no', `${has} for ${arch}`);
  }
  say('guest', 'yes', `${arch} ${virtType}`);
  const machine = judgeMachine(needs, fitting, say);
  if (needs.machine !== undefined && machine === undefined) return;
  const told = domain !== undefined && 'document' in domain ? domain.document : undefined;
  if (domain !== undefined && 'refused' in domain) {
    return say('guest', 'no', `libvirt says: ${domain.refused}`);
  }
  if (needs.vcpus !== undefined) {
    const most = told?.maxVcpus ?? machine?.maxCpus;
    if (most === undefined) say('vcpus', 'unknown', 'how many the machine type takes is not known');
    else if (needs.vcpus > most) say('vcpus', 'no', `${needs.vcpus} of at most ${most}`);
    else say('vcpus', 'yes', `${needs.vcpus} of at most ${most}`);
  }
  judgeCpu(needs.cpu, { arch, virtType, cpu, told, cpuModels, why: whyMissing(domain) }, say);
  judgeOffers(needs, told, whyMissing(domain), say);
}

function judgeMachine(
  { machine: wanted }: Needs,
  fitting: readonly Guest[],
  say: Say,
): Guest['machines'][number] | undefined {
  if (wanted === undefined) return undefined;
  const found = fitting.flatMap(({ machines }) => machines).find(({ name }) => name === wanted);
  if (found === undefined) {
    say('machine', 'no', `no machine type ${wanted}`);
    return undefined;
  }
  const alias = found.canonical === undefined ? '' : `, which is ${found.canonical}`;
  const deprecated = found.deprecated === true ? ', deprecated' : '';
  say('machine', 'yes', `${wanted}${alias}${deprecated}`);
  return found;
}

type CpuSituation = {
  arch: string;
  virtType: string;
  cpu: Capabilities['cpu'];
  told: DomainCapabilities | undefined;
  cpuModels: Told<CpuModels> | undefined;
  why: string;
};

function judgeCpu(wanted: Needs['cpu'], here: CpuSituation, say: Say): void {
  if (wanted === undefined) return;
  const { told, virtType, arch, cpu, why } = here;
  const mode = wanted.mode ?? 'custom';
  if (mode !== 'custom') {
    if (told !== undefined) {
      const has = told.cpu.modes.includes(mode);
      say('cpu', has ? 'yes' : 'no', `${mode} is ${has ? '' : 'not '}supported`);
    } else if (mode === 'host-passthrough') {
      // The guest gets the host's CPU itself: that is what KVM on the same architecture is.
      const is = virtType === 'kvm' && arch === cpu.arch;
      say(
        'cpu',
        is ? 'yes' : 'no',
        is ? 'KVM passes the CPU through' : 'only KVM passes it through',
      );
    } else {
      say('cpu', 'unknown', `whether ${mode} is supported: ${why}`);
    }
  } else if (wanted.model !== undefined) {
    judgeModel(wanted.model, here, say);
  }
  if (wanted.features !== undefined && wanted.features.length > 0) {
    judgeFeatures(wanted.features, here, say);
  }
}

function judgeModel(model: string, here: CpuSituation, say: Say): void {
  const { told, cpuModels, virtType, why } = here;
  if (told !== undefined) {
    const found = told.cpu.models.find(({ name }) => name === model);
    if (found === undefined) return say('cpu', 'no', `the emulator has no CPU model ${model}`);
    const lacking = found.blockers === undefined ? '' : `: it lacks ${found.blockers.join(', ')}`;
    if (found.usable === 'no') return say('cpu', 'no', `${model} cannot be had${lacking}`);
    if (found.usable === 'unknown') {
      return say('cpu', 'unknown', `the emulator does not tell whether ${model} can be had`);
    }
    return say('cpu', 'yes', `${model}, by the domain capabilities`);
  }
  if (virtType !== 'kvm') {
    // An emulated CPU may have what the host's lacks.
    return say('cpu', 'unknown', `whether ${model} can be emulated: ${why}`);
  }
  if (cpuModels === undefined || !('document' in cpuModels)) {
    const missing = cpuModels === undefined ? 'it was not asked' : whyOf(cpuModels);
    return say('cpu', 'unknown', `whether the CPU can be ${model}: ${missing}`);
  }
  const found = cpuModels.document.models.find(({ name }) => name === model);
  if (found === undefined) return say('cpu', 'no', `libvirt knows no CPU model ${model}`);
  if (!found.usable) return say('cpu', 'no', `the CPU lacks something of ${model}`);
  say('cpu', 'yes', `${model}, by libvirt's compare`);
}

/** Beyond a model's own features, which nobody but libvirt knows, only a list of them can tell. */
function judgeFeatures(features: readonly string[], here: CpuSituation, say: Say): void {
  const { told, cpu, virtType, why } = here;
  const listed = new Set(virtType === 'kvm' ? cpu.features : []);
  const disabled = new Set<string>();
  for (const { name, policy } of told?.cpu.hostModel?.features ?? []) {
    if (policy === 'require') listed.add(name);
    else if (policy === 'disable') disabled.add(name);
  }
  const lacking = features.filter((name) => disabled.has(name));
  if (lacking.length > 0) return say('cpu-features', 'no', `it lacks ${lacking.join(', ')}`);
  const untold = features.filter((name) => !listed.has(name));
  if (untold.length === 0) return say('cpu-features', 'yes', features.join(', '));
  const reason = told === undefined ? why : 'they may be part of the model';
  say('cpu-features', 'unknown', `${untold.join(', ')}: ${reason}`);
}

function judgeOffers(
  { firmware, tpm }: Needs,
  told: DomainCapabilities | undefined,
  why: string,
  say: Say,
): void {
  const offered = (check: Check, wanted: string, values: readonly string[] | undefined): void => {
    if (told === undefined) say(check, 'unknown', `${wanted}: ${why}`);
    else if (values?.includes(wanted) === true) say(check, 'yes', wanted);
    else
      say(
        check,
        'no',
        `${wanted} is not among ${values?.join(', ') || 'what is offered: nothing'}`,
      );
  };
  if (firmware !== undefined) offered('firmware', firmware, told?.os.firmware);
  if (tpm !== undefined) {
    const device = told?.devices['tpm'];
    offered('tpm', tpm, device?.supported === true ? device.enums?.['model'] : []);
  }
}

function judgeMemory(wantedKiB: number, freeKiB: number | undefined, say: Say): void {
  if (freeKiB === undefined) {
    say('memory', 'unknown', 'there are no stats of the host now');
    return;
  }
  const detail = `${Math.floor(wantedKiB / 1024)} MiB of ${Math.floor(freeKiB / 1024)} MiB free`;
  say('memory', wantedKiB <= freeKiB ? 'yes' : 'no', detail);
}

function whyMissing(domain: Told<DomainCapabilities> | undefined): string {
  return domain === undefined ? 'domain capabilities were not asked for' : whyOf(domain);
}

function whyOf(told: Told<unknown>): string {
  if ('missing' in told) return told.missing;
  return 'refused' in told ? told.refused : '';
}
