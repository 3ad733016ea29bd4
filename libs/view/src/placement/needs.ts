/** What a domain needs, out of its configuration. */
import type { DomainConfig, EmulatorChoice, FactQuestion, Needs } from '@virtscope/contracts';

type Configured = Pick<
  DomainConfig,
  | 'arch'
  | 'machine'
  | 'virtType'
  | 'cpu'
  | 'firmware'
  | 'tpms'
  | 'vcpusMaximum'
  | 'memoryMaximumKiB'
>;

const modes = ['custom', 'host-model', 'host-passthrough', 'maximum'] as const;

export function needsOf(config: Configured): Needs {
  const { arch, machine, virtType, firmware, vcpusMaximum, memoryMaximumKiB } = config;
  const cpu = cpuOf(config);
  const firmwareType = firmware?.type;
  const tpm = config.tpms?.[0]?.model;
  return {
    ...(arch === undefined ? {} : { arch }),
    ...(machine === undefined ? {} : { machine }),
    ...(virtType === undefined ? {} : { virtType }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(vcpusMaximum === undefined || vcpusMaximum < 1 ? {} : { vcpus: vcpusMaximum }),
    ...(memoryMaximumKiB === undefined ? {} : { memoryKiB: memoryMaximumKiB }),
    ...(firmwareType === 'efi' || firmwareType === 'bios' ? { firmware: firmwareType } : {}),
    ...(tpm === undefined ? {} : { tpm }),
  };
}

function cpuOf({ cpu }: Configured): Needs['cpu'] {
  if (cpu === undefined) return undefined;
  const mode = modes.find((known) => known === cpu.mode);
  const features = [...(cpu.features?.require ?? []), ...(cpu.features?.force ?? [])];
  if (mode === undefined && cpu.model === undefined && features.length === 0) return undefined;
  return {
    ...(mode === undefined ? {} : { mode }),
    // Of the other modes libvirt chooses the model itself.
    ...(cpu.model === undefined || (mode !== undefined && mode !== 'custom')
      ? {}
      : { model: cpu.model }),
    ...(features.length === 0 ? {} : { features }),
  };
}

/** Which facts the needs hang on, beside the capabilities. */
export function questionsOf(needs: Needs): { cpuModels: boolean; domain?: FactQuestion } {
  const { arch, machine, virtType, cpu, firmware, tpm } = needs;
  const emulator: EmulatorChoice = {
    ...(arch === undefined ? {} : { arch }),
    ...(machine === undefined ? {} : { machine }),
    ...(virtType === undefined ? {} : { virtType }),
  };
  const isDomain = cpu !== undefined || firmware !== undefined || tpm !== undefined;
  return {
    cpuModels: cpu?.model !== undefined,
    ...(isDomain ? { domain: { type: 'domain', emulator } } : {}),
  };
}
