/** The body of an answer, compressed where the caller takes it and it pays. */
import type { FastifyReply } from 'fastify';
import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';

/** Below this, compressing costs more than sending. */
export const minCompressedBytes = 8 * 1024;

/** Beyond this many at work, answers go out as they are. */
export const maxCompressions = 8;

const compressors = {
  zstd: (body: Buffer) =>
    promisify(zstdCompress)(body, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
  gzip: (body: Buffer) => promisify(gzip)(body, { level: 1 }),
} as const;

let compressing = 0;

export function sendJson(reply: FastifyReply, json: string): FastifyReply | Promise<FastifyReply> {
  void reply.type('application/json; charset=utf-8');
  if (json.length < minCompressedBytes) return reply.send(json);
  void reply.header('vary', 'accept, accept-encoding');
  const encoding = encodingFor(reply.request.headers['accept-encoding']);
  if (encoding === undefined || compressing >= maxCompressions) return reply.send(json);
  return compressed(reply, json, encoding);
}

async function compressed(
  reply: FastifyReply,
  json: string,
  encoding: keyof typeof compressors,
): Promise<FastifyReply> {
  compressing++;
  try {
    const body = await compressors[encoding](Buffer.from(json));
    return await reply.header('content-encoding', encoding).send(body);
  } finally {
    compressing--;
  }
}

function encodingFor(accepted: unknown): keyof typeof compressors | undefined {
  if (typeof accepted !== 'string') return undefined;
  const offers = accepted.split(',').flatMap((each) => {
    const [name = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    return parameters.some((part) => /^q=0(\.0*)?$/.test(part)) ? [] : name;
  });
  return (['zstd', 'gzip'] as const).find((known) => offers.includes(known));
}
