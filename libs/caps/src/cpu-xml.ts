/** CPUs as libvirt's comparison and baseline take them, and what the baseline answers. */
import type { Capabilities, CommonCpuReply } from '@virtscope/contracts';
import { parseXml } from '@virtscope/xml';

type CommonCpu = Pick<Extract<CommonCpuReply, { ok: true }>, 'model' | 'vendor' | 'features'>;

/** The `<cpu>` of a capabilities document, without what makes no difference to a baseline. */
export function hostCpuXml({ arch, model, vendor, features }: Capabilities['cpu']): string {
  return [
    '<cpu>',
    `<arch>${text(arch)}</arch>`,
    ...(model === undefined ? [] : [`<model>${text(model)}</model>`]),
    ...(vendor === undefined ? [] : [`<vendor>${text(vendor)}</vendor>`]),
    // It has to be there, and is not looked at.
    '<topology sockets="1" dies="1" cores="1" threads="1"/>',
    ...features.map((name) => `<feature name="${text(name)}"/>`),
    '</cpu>',
  ].join('');
}

/** The `<cpu>` that a CPU is compared with, to learn whether it can be this model. */
export function cpuModelXml(arch: string, model: string): string {
  return `<cpu><arch>${text(arch)}</arch><model>${text(model)}</model></cpu>`;
}

/** @throws {XmlError} */
export function parseCommonCpu(xml: string): CommonCpu {
  const root = parseXml(xml);
  const model = root.childText('model');
  const vendor = root.childText('vendor');
  return {
    ...(model === undefined ? {} : { model }),
    ...(vendor === undefined ? {} : { vendor }),
    features: root.childrenNamed('feature').flatMap((feature) => {
      const name = feature.attr('name');
      return name === undefined ? [] : [{ name, policy: feature.attr('policy') ?? 'require' }];
    }),
  };
}

function text(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
