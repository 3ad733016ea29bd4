/**
 * What libvirt answers when it refuses: codes, error domains and texts as libvirt 9.0.0 with the
 * QEMU driver says them.
 */
import { type FrameHeader, statusError, typeReply } from '../libvirt-wire/frame.ts';
import { WireWriter } from '../libvirt-wire/wire-writer.ts';

/** `virErrorDomain`: the part of libvirt that an error comes from. */
const fromNone = 0;
const fromRpc = 7;
const fromQemu = 10;
/** `VIR_FROM_DOMAIN`: what is common to all drivers, and the public API. */
const fromDomain = 20;

export type RefusalFields = {
  code: number;
  domain: number;
  message: string;
  /** What the message was made of: a format, and what stood for its `%s`. */
  str1?: string;
  str2?: string;
  int1: number;
  int2: number;
};

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly fields: RefusalFields;

  constructor(fields: RefusalFields) {
    super(fields.message);
    this.fields = fields;
  }
}

function refusal(code: number, domain: number, format: string, detail: string): Refusal {
  const message = format.replace('%s', () => detail);
  return new Refusal({ code, domain, message, str1: format, str2: detail, int1: -1, int2: -1 });
}

const internal = (detail: string): Refusal => refusal(1, fromRpc, 'internal error: %s', detail);

export const notOpen = (): Refusal => internal('hypervisor connection not open');
export const openWithoutName = (): Refusal => internal('connection not open');
export const alreadyOpen = (): Refusal => internal('connection already open');
export const unknownEvent = (eventId: number): Refusal =>
  internal(`unsupported event ID ${eventId}`);
export const noSuchCallback = (callbackId: number): Refusal =>
  internal(`domain event callback ${callbackId} not registered`);

export const noDriver = (name: string): Refusal =>
  refusal(5, fromNone, 'no connection driver available for %s', name);

const badArgument = 'invalid argument: %s';

export const alreadyTracked = (): Refusal =>
  refusal(8, fromNone, badArgument, 'event callback already tracked');
export const invalidArgument = (detail: string): Refusal =>
  refusal(8, fromQemu, badArgument, detail);

const rpc = (text: string): Refusal => refusal(39, fromRpc, '%s', text);

export const unknownProcedure = (number: number): Refusal => rpc(`unknown procedure: ${number}`);
export const unknownProgram = (program: number, version: number): Refusal =>
  rpc(`Cannot find program ${program} version ${version}`);
export const unexpectedStatus = (status: number): Refusal =>
  rpc(`Unexpected message status ${status}`);
export const undecodable = (): Refusal => rpc('Unable to decode message payload');
export const unencodable = (): Refusal => rpc('Unable to encode message payload');

export const tooManyDomains = (count: number, max: number): Refusal =>
  internal(`Too many domains '${count}' for limit '${max}'`);
export const tooManyRecords = (count: number, max: number): Refusal =>
  internal(`Number of domain stats records is ${count}, which exceeds max limit: ${max}`);

export const noSuchDomain = (by: string): Refusal =>
  refusal(42, fromQemu, 'Domain not found: %s', `no domain with matching ${by}`);

const invalidOperation = 'Requested operation is not valid: %s';

/** The domain is in the wrong state for it. */
export const notValid = (detail: string): Refusal =>
  refusal(55, fromQemu, invalidOperation, detail);

export const notRunning = (): Refusal =>
  refusal(55, fromDomain, invalidOperation, 'domain is not running');

export const failed = (detail: string): Refusal =>
  refusal(9, fromQemu, 'operation failed: %s', detail);

export const noMetadata = (): Refusal =>
  refusal(80, fromDomain, 'metadata not found: %s', 'Requested metadata element is not present');

export const unsupportedFlags = (flags: number, qemuFunction: string): Refusal =>
  new Refusal({
    code: 8,
    domain: fromQemu,
    message: `unsupported flags (0x${flags.toString(16)}) in function ${qemuFunction}`,
    str1: qemuFunction,
    str2: 'flags',
    int1: 0,
    int2: 0,
  });

export const unsupportedStats = (bits: number): Refusal =>
  refusal(
    74,
    fromQemu,
    'argument unsupported: %s',
    `Stats types bits 0x${bits.toString(16)} are not supported by this daemon or QEMU`,
  );

/** The read-only connection. */
export const forbidden = (detail: string): Refusal =>
  refusal(29, fromDomain, 'operation forbidden: %s', detail);

/** The driver lacks it: what this simulation does not simulate. */
export const unsupported = (libvirtFunction: string): Refusal =>
  refusal(
    3,
    fromDomain,
    'this function is not supported by the connection driver: %s',
    libvirtFunction,
  );

/** The frame that refuses a call. */
export function refusalFrame(call: FrameHeader, { fields }: Refusal): Buffer {
  const writer = new WireWriter({ ...call, type: typeReply, status: statusError });
  const { code, domain, message, str1, str2, int1, int2 } = fields;
  writer.int(code);
  writer.int(domain);
  writer.optionalString(message);
  writer.int(2); // level: error
  writer.uint(0); // dom
  writer.optionalString(str1);
  writer.optionalString(str2);
  writer.optionalString(undefined);
  writer.int(int1);
  writer.int(int2);
  writer.uint(0); // net
  return writer.frame();
}

/** `virDomainGetXMLDesc` of `domainGetXmlDesc`, for messages. */
export function libvirtFunction(procedureName: string): string {
  const name = procedureName.replaceAll('Xml', 'XML').replaceAll('Uuid', 'UUID');
  return `vir${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
