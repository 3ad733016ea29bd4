/**
 * The frames of libvirt's RPC protocol: a length word that counts itself, a 24-byte header, a
 * payload; all words big-endian.
 *
 *     0 length | 4 program | 8 version | 12 procedure | 16 type | 20 serial | 24 status | 28 payload
 *
 * Written apart from node-libvirt on purpose: a judge and a stand-in for libvirtd that shared the
 * client's code would share its mistakes, and agree with them.
 */
export const remoteProgram = 0x20008086;
export const qemuProgram = 0x20008087;
export const keepaliveProgram = 0x6b656570;
export const protocolVersion = 1;

export const typeCall = 0;
export const typeReply = 1;
/** An event, or a keepalive. */
export const typeMessage = 2;

export const statusOk = 0;
export const statusError = 1;

export const pingProcedure = 1;
export const pongProcedure = 2;

/** The length word and the header: the smallest frame. */
export const headerBytes = 28;
/** Largest legal value of a frame's length word. */
export const maxFrameBytes = 33_554_436;

export type FrameHeader = {
  /** The whole frame's length, its length word included. */
  length: number;
  program: number;
  version: number;
  procedure: number;
  type: number;
  serial: number;
  status: number;
};

/** The header of the frame that begins at `offset`; the caller has checked that it is there. */
export function readHeader(bytes: Buffer, offset = 0): FrameHeader {
  return {
    length: bytes.readUInt32BE(offset),
    program: bytes.readUInt32BE(offset + 4),
    version: bytes.readUInt32BE(offset + 8),
    procedure: bytes.readInt32BE(offset + 12),
    type: bytes.readUInt32BE(offset + 16),
    serial: bytes.readUInt32BE(offset + 20),
    status: bytes.readUInt32BE(offset + 24),
  };
}

export function isLegalLength(length: number): boolean {
  return length >= headerBytes && length <= maxFrameBytes;
}

/** A header with the length that the payload will give it still open. */
export type OpenHeader = Omit<FrameHeader, 'length' | 'version'>;

/** A frame without payload. */
export function bareFrame(header: OpenHeader): Buffer {
  const frame = Buffer.alloc(headerBytes);
  frame.writeUInt32BE(headerBytes, 0);
  frame.writeUInt32BE(header.program, 4);
  frame.writeUInt32BE(protocolVersion, 8);
  frame.writeInt32BE(header.procedure, 12);
  frame.writeUInt32BE(header.type, 16);
  frame.writeUInt32BE(header.serial, 20);
  frame.writeUInt32BE(header.status, 24);
  return frame;
}
