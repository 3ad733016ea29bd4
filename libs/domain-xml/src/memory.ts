import type { XmlElement } from '@virtscope/xml';

/** Bytes in a unit, as libvirt scales them: any case, `k` and `KiB` alike. */
const unitBytes = new Map<string, bigint>([
  ['b', 1n],
  ['byte', 1n],
  ['bytes', 1n],
  ...['k', 'm', 'g', 't', 'p', 'e'].flatMap((letter, at): [string, bigint][] => {
    const binary = 1024n ** BigInt(at + 1);
    return [
      [letter, binary],
      [`${letter}ib`, binary],
      [`${letter}b`, 1000n ** BigInt(at + 1)],
    ];
  }),
]);

/** Rounds up to a whole KiB, as libvirt does. */
export function memoryKiB(element: XmlElement | undefined): number | undefined {
  const text = element?.text.trim() ?? '';
  const unit = unitBytes.get((element?.attr('unit') ?? 'KiB').toLowerCase());
  if (unit === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  return Number((BigInt(text) * unit + 1023n) / 1024n);
}
