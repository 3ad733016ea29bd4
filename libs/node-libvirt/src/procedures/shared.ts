/** Shapes of arguments and results that many procedures have. */
import { type Domain, writeDomain } from '../protocol/identity.ts';
import type { Counter, XdrReader } from '../protocol/xdr-reader.ts';
import type { XdrWriter } from '../protocol/xdr-writer.ts';

export const readString = (reader: XdrReader): string => reader.string();
export const readBool = (reader: XdrReader): boolean => reader.bool();
export const readInt = (reader: XdrReader): number => reader.int();
export const readCounter = (reader: XdrReader): Counter => reader.counter();

export const writeString = (writer: XdrWriter, text: string): void => {
  writer.string(text);
};
export const writeUuid = (writer: XdrWriter, uuid: string): void => {
  writer.uuid(uuid);
};
export const writeFlags = (writer: XdrWriter, flags: number): void => {
  writer.uint(flags);
};

export type DomainAndFlags = { domain: Domain; flags: number };

/** dom, flags u */
export function writeDomainAndFlags(writer: XdrWriter, { domain, flags }: DomainAndFlags): void {
  writeDomain(writer, domain);
  writer.uint(flags);
}

/** dom, flags u, with no flag that means anything. */
export function writeDomainAndZero(writer: XdrWriter, domain: Domain): void {
  writeDomain(writer, domain);
  writer.uint(0);
}

/** need_results i, flags u: the results, not their number alone. */
export function writeListArgs(writer: XdrWriter, flags: number): void {
  writer.int(1);
  writer.uint(flags);
}
