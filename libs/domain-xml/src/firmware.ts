import type { Firmware } from '@virtscope/contracts';
import type { XmlElement } from '@virtscope/xml';
import { definedOrNone, yesNo } from './values.ts';

export function parseFirmware(os: XmlElement | undefined): Firmware | undefined {
  const loader = os?.child('loader');
  const nvram = os?.child('nvram');
  const nvramSource = nvram?.child('source');
  const features = (os?.child('firmware')?.childrenNamed('feature') ?? []).flatMap((feature) => {
    const name = feature.attr('name');
    const enabled = yesNo(feature.attr('enabled'));
    return name === undefined || enabled === undefined ? [] : [[name, enabled] as const];
  });
  return definedOrNone({
    type: os?.attr('firmware'),
    loader: os?.childText('loader'),
    loaderType: loader?.attr('type'),
    readonly: yesNo(loader?.attr('readonly')),
    secure: yesNo(loader?.attr('secure')),
    // Since libvirt 8.5 it may lie anywhere that a disk can.
    nvram:
      os?.childText('nvram') ??
      nvramSource?.attr('file') ??
      nvramSource?.attr('dev') ??
      nvramSource?.attr('name'),
    nvramTemplate: nvram?.attr('template'),
    features: features.length === 0 ? undefined : Object.fromEntries(features),
  });
}
