/** What of a configuration other domains may not use as well: by this its row is found. */
import type { DomainConfig } from '@virtscope/contracts';

/**
 * Every image that a domain's disks stand on: their own, those below in the backing chain, and
 * the one that a job copies to. Each once, though two disks may name it.
 */
export function disksOf(config: DomainConfig | undefined): readonly string[] {
  const layers = (config?.disks ?? []).flatMap((disk) => [
    disk,
    ...(disk.backing ?? []),
    ...(disk.mirror === undefined ? [] : [disk.mirror]),
  ]);
  return distinct(layers, ({ source }) => source);
}

/** The MAC addresses of its interfaces, in lower case. */
export function macsOf(config: DomainConfig | undefined): readonly string[] {
  return distinct(config?.interfaces ?? [], ({ mac }) => mac?.toLowerCase());
}

/** The devices of its host that it was given, by their addresses there. */
export function hostDevicesOf(config: DomainConfig | undefined): readonly string[] {
  return distinct(config?.hostDevices ?? [], ({ source }) => source);
}

function distinct<T>(things: readonly T[], keyOf: (thing: T) => string | undefined): string[] {
  const keys: string[] = [];
  for (const thing of things) {
    const key = keyOf(thing);
    if (key !== undefined && !keys.includes(key)) keys.push(key);
  }
  return keys;
}
