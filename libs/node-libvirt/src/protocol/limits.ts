/** Limits of libvirt's RPC protocol (virnetprotocol.x, remote_protocol.x). All in bytes or items. */

/** Smallest legal value of a frame's length word: the word itself and the 24-byte header. */
export const minFrameBytes = 28;
/** Largest legal value of a frame's length word. */
export const maxFrameBytes = 33_554_436;
/** Largest payload: what remains of the largest frame after length word and header. */
export const maxPayloadBytes = maxFrameBytes - minFrameBytes;
/** Longest string, without its length word. */
export const maxStringBytes = 4_194_304;
/** Most domains in one list, and most records in one stats reply. */
export const maxDomains = 16_384;
/** Most typed parameters in one stats record. */
export const maxStatsParameters = 262_144;
