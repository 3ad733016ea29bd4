/**
 * How busy a domain is: counters as a function of how long its QEMU process has run. No counter is
 * kept anywhere, so 100,000 domains that nobody asks about cost nothing, and the same seed and clock
 * give the same numbers.
 */
import { createHash } from 'node:crypto';

/** What a domain does each second, on average. */
export type Load = {
  /** Of one CPU, per vCPU: 0 to 1. */
  cpuShare: number;
  readRequests: number;
  writeRequests: number;
  rxPackets: number;
  txPackets: number;
  /** Of its memory. */
  rssShare: number;
  /** Its busy and quiet times follow each other with this period. */
  waveSeconds: number;
  /** Where in the wave it begins. */
  phase: number;
};

const dicePerHash = 8;

/** A domain's load: made up, and always the same for the same seed and uuid. */
export function loadOf(seed: string, uuid: string): Load {
  const hash = createHash('sha256').update(`${seed}:${uuid}`).digest();
  const dice = Array.from({ length: dicePerHash }, (_, i) => hash.readUInt32LE(i * 4) / 2 ** 32);
  const [cpu, read, write, rx, tx, rss, wave, phase] = dice as [
    ...[number, number, number, number],
    ...[number, number, number, number],
  ];
  return {
    cpuShare: 0.01 + 0.5 * cpu * cpu, // times the swing it stays below 1
    readRequests: 1 + 80 * read * read,
    writeRequests: 1 + 120 * write * write,
    rxPackets: 2 + 400 * rx * rx,
    txPackets: 1 + 300 * tx * tx,
    rssShare: 0.3 + 0.6 * rss,
    waveSeconds: 30 + 600 * wave,
    phase: 2 * Math.PI * phase,
  };
}

/** How strongly a wave swings; below 1, so that no counter ever goes back. */
const swing = 0.8;

/**
 * Work done after so many seconds of running, in seconds of average load. It grows all the time,
 * now faster and now slower.
 */
export function workSeconds({ waveSeconds, phase }: Load, ranSeconds: number): number {
  const wave = Math.sin(ranSeconds / waveSeconds + phase) - Math.sin(phase);
  return ranSeconds + swing * waveSeconds * wave;
}
