/** SASL over the wire. Its data is `char<65536>`: one word for each byte. */
import type { XdrReader } from '../protocol/xdr-reader.ts';
import type { XdrWriter } from '../protocol/xdr-writer.ts';
import { procedure } from './procedure.ts';

const maxSaslBytes = 65_536;

export type SaslAnswer = {
  /** The daemon is satisfied. */
  complete: boolean;
  data: Buffer;
};

/** `nil` 1 means "no data", which in SASL is not the same as empty data. */
function writeData(writer: XdrWriter, data: Buffer | undefined): void {
  writer.bool(data === undefined);
  writer.chars(data ?? Buffer.alloc(0));
}

function readAnswer(reader: XdrReader): SaslAnswer {
  const complete = reader.bool();
  reader.bool(); // nil: an answer without data is an empty one for every mechanism here
  return { complete, data: reader.chars(maxSaslBytes) };
}

/** AUTH_SASL_INIT (67): → mechlist s, separated by commas. */
export const authSaslInit = procedure<undefined, string[]>({
  name: 'authSaslInit',
  number: 67,
  priority: 'high',
  decode: (reader) => reader.string().split(/[, ]+/),
});

/** AUTH_SASL_START (68): mech s, nil i, data → complete i, nil i, data. */
export const authSaslStart = procedure<{ mechanism: string; data: Buffer | undefined }, SaslAnswer>(
  {
    name: 'authSaslStart',
    number: 68,
    priority: 'high',
    encode: (writer, { mechanism, data }) => {
      writer.string(mechanism);
      writeData(writer, data);
    },
    decode: readAnswer,
  },
);

/** AUTH_SASL_STEP (69): nil i, data → complete i, nil i, data. */
export const authSaslStep = procedure<Buffer | undefined, SaslAnswer>({
  name: 'authSaslStep',
  number: 69,
  priority: 'high',
  encode: writeData,
  decode: readAnswer,
});
