/** The virtual CPU, and where on the host it may run. */
import type { Cpu, Placement } from '@virtscope/contracts';
import type { XmlElement } from '@virtscope/xml';
import { count, definedOrNone, listOrNone, yesNo } from './values.ts';

export function parseCpu(cpu: XmlElement | undefined): Cpu | undefined {
  if (cpu === undefined) return undefined;
  const model = cpu.child('model');
  const topology = cpu.child('topology');
  const byPolicy = Map.groupBy(
    cpu.childrenNamed('feature').filter((feature) => feature.attr('name') !== undefined),
    // libvirt's default.
    (feature) => feature.attr('policy') ?? 'require',
  );
  const named = (policy: string): string[] | undefined =>
    byPolicy.get(policy)?.map((feature) => feature.attr('name') ?? '');
  return definedOrNone({
    mode: cpu.attr('mode'),
    match: cpu.attr('match'),
    check: cpu.attr('check'),
    migratable: yesNo(cpu.attr('migratable')),
    model: cpu.childText('model'),
    fallback: model?.attr('fallback'),
    vendor: cpu.childText('vendor'),
    topology: definedOrNone({
      sockets: count(topology?.attr('sockets')),
      dies: count(topology?.attr('dies')),
      clusters: count(topology?.attr('clusters')),
      cores: count(topology?.attr('cores')),
      threads: count(topology?.attr('threads')),
    }),
    features: definedOrNone({
      force: named('force'),
      require: named('require'),
      optional: named('optional'),
      disable: named('disable'),
      forbid: named('forbid'),
    }),
  });
}

export function parsePlacement(domain: XmlElement): Placement | undefined {
  const vcpu = domain.child('vcpu');
  const tune = domain.child('cputune');
  const numa = domain.child('numatune')?.child('memory');
  const pins = (tune?.childrenNamed('vcpupin') ?? []).flatMap((pin) => {
    const index = count(pin.attr('vcpu'));
    const cpuset = pin.attr('cpuset');
    return index === undefined || cpuset === undefined ? [] : { vcpu: index, cpuset };
  });
  return definedOrNone({
    mode: vcpu?.attr('placement'),
    cpuset: vcpu?.attr('cpuset'),
    vcpuPins: listOrNone(pins),
    emulatorCpuset: tune?.child('emulatorpin')?.attr('cpuset'),
    numaMode: numa?.attr('mode'),
    nodeset: numa?.attr('nodeset'),
  });
}
