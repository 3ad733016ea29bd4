/** Attributes and texts as values; what does not read as one is absent. */
import type { XmlElement } from '@virtscope/xml';

/** The entries that have a value: an absent one is absent, not undefined. */
export function defined<T extends object>(
  entries: T,
): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
}

/** The same; undefined when nothing is left, or nothing was there to look at. */
export function definedOrNone<T extends object>(
  entries: T,
): ReturnType<typeof defined<T>> | undefined {
  const kept = defined(entries);
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** A list, or undefined when it is empty. */
export function listOrNone<T>(list: T[]): T[] | undefined {
  return list.length === 0 ? undefined : list;
}

export function count(text: string | undefined): number | undefined {
  const digits = text?.trim() ?? '';
  return /^\d{1,9}$/.test(digits) ? Number(digits) : undefined;
}

export function yesNo(text: string | undefined): boolean | undefined {
  if (text === 'yes' || text === 'on') return true;
  return text === 'no' || text === 'off' ? false : undefined;
}

/** True where the element is there; else absent. */
export function present(element: XmlElement | undefined): true | undefined {
  return element === undefined ? undefined : true;
}

/** The PCI address of an element's `<address>`, as libvirt and sysfs write it: `0000:01:00.0`. */
export function pciAddress(element: XmlElement): string | undefined {
  const address = element.child('address');
  if (address === undefined) return undefined;
  const hex = (name: string, digits: number): string =>
    (address.attr(name) ?? '0').replace(/^0x/, '').padStart(digits, '0');
  return `${hex('domain', 4)}:${hex('bus', 2)}:${hex('slot', 2)}.${hex('function', 1)}`;
}
