import { pino, type Logger } from 'pino';

export type { Logger };

/** JSON lines on standard output, one vocabulary: `host`, `epoch`, `seq`, `uuid`, `err`. */
export function createLogger(service: string, replica: string, level: string): Logger {
  return pino({ level, base: { service, replica }, timestamp: pino.stdTimeFunctions.isoTime });
}
