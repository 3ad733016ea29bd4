/**
 * Random damage to real conversations. A fixed budget here; `FUZZ_MS=60000` goes on for a minute,
 * and a failure prints the seed that replays it (`FUZZ_SEED`).
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProtocolError } from '../errors.ts';
import { domainEventKinds, domainEventTable } from '../events/domain-event.ts';
import { objectEventKinds, objectEventTable } from '../events/object-event.ts';
import { authSaslStart } from '../procedures/auth-sasl.ts';
import { authList } from '../procedures/authentication.ts';
import {
  connectGetAllDomainStats,
  connectGetAllDomainStatsColumns,
} from '../procedures/connect-get-all-domain-stats.ts';
import { connectListAllDomains } from '../procedures/connect-list-all-domains.ts';
import { domainGetVcpus } from '../procedures/domain-cpu.ts';
import { domainInterfaceAddresses } from '../procedures/domain-interface.ts';
import { nodeGetCpuStats, nodeGetInfo } from '../procedures/node.ts';
import { connectListAllSecrets } from '../procedures/secret.ts';
import { frameOf, golden } from '../testing/golden.ts';
import { FrameReader } from './frame.ts';
import { maxFrameBytes } from './limits.ts';
import { readRemoteError } from './remote-error.ts';
import { XdrReader } from './xdr-reader.ts';

const decoders: ((reader: XdrReader) => unknown)[] = [
  ...domainEventKinds.map((kind) => domainEventTable[kind].decode),
  ...objectEventKinds.map((kind) => objectEventTable[kind].decode),
  authList.decode,
  authSaslStart.decode,
  connectGetAllDomainStats.decode,
  connectGetAllDomainStatsColumns.decode,
  connectListAllDomains.decode,
  connectListAllSecrets.decode,
  domainGetVcpus.decode,
  domainInterfaceAddresses.decode,
  nodeGetCpuStats.decode,
  nodeGetInfo.decode,
  readRemoteError,
];
const vectors = Object.values(golden).map(frameOf);

const { FUZZ_MS: budget, FUZZ_SEED: seed } = process.env;
const run = {
  ...(budget === undefined
    ? { numRuns: 300 }
    : { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: Number(budget) }),
  ...(seed === undefined ? {} : { seed: Number(seed) }),
};

/** What came of it: fine, a ProtocolError, or something that must not be. */
function verdict(attempt: () => unknown): 'read' | 'refused' | Error {
  try {
    attempt();
    return 'read';
  } catch (error) {
    return error instanceof ProtocolError ? 'refused' : (error as Error);
  }
}

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((noise) => Buffer.from(noise)),
  fc
    .record({
      vector: fc.constantFrom(...vectors),
      flips: fc.array(
        fc.record({ at: fc.nat(), word: fc.constantFrom(0, 1, 4, 255, 0x7fffffff, 0xffffffff) }),
        {
          maxLength: 4,
        },
      ),
      cut: fc.nat(),
    })
    .map(({ vector, flips, cut }) => {
      const bytes = Buffer.from(vector.subarray(28));
      const words = bytes.length >> 2;
      for (const { at, word } of flips) if (words > 0) bytes.writeUInt32BE(word, (at % words) * 4);
      return bytes.subarray(0, bytes.length - (cut % (bytes.length + 1)));
    }),
);

test('whatever a payload holds, every decoder reads it or refuses it', { timeout: 0 }, () => {
  fc.assert(
    fc.property(payload, (bytes) => {
      for (const decode of decoders) {
        expect(['read', 'refused']).toContain(verdict(() => decode(new XdrReader(bytes))));
      }
    }),
    run,
  );
});

test('whatever a stream holds, the frame reader keeps within its limits', { timeout: 0 }, () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(...vectors),
      fc.uint8Array({ maxLength: 60 }).map((b) => Buffer.from(b)),
    ),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 64 }), (parts, size) => {
      const stream = Buffer.concat(parts);
      const reader = new FrameReader();
      let framed = 0;
      const outcome = verdict(() => {
        for (let at = 0; at < stream.length; at += size) {
          const chunk = stream.subarray(at, at + size);
          reader.push(chunk, chunk.length, (_, start, end) => {
            framed += end - start;
            expect(end - start).toBeLessThanOrEqual(maxFrameBytes);
            expect(end - start).toBeGreaterThanOrEqual(28);
          });
        }
      });
      expect(['read', 'refused']).toContain(outcome);
      expect(framed + reader.pendingBytes).toBeLessThanOrEqual(stream.length);
    }),
    run,
  );
});

test('every length of a frame, turned over bit by bit, is refused or waited for', () => {
  for (const vector of vectors) {
    for (let bit = 0; bit < 32; bit++) {
      const bytes = Buffer.from(vector);
      bytes.writeUInt32BE((bytes.readUInt32BE(0) ^ (1 << bit)) >>> 0, 0);
      const reader = new FrameReader();
      const lengths: number[] = [];
      const outcome = verdict(() => {
        reader.push(bytes, bytes.length, (_, start, end) => lengths.push(end - start));
      });
      expect(['read', 'refused']).toContain(outcome);
      expect(lengths).not.toContain(vector.length);
    }
  }
});
