import { unwatchFile, watchFile } from 'node:fs';
import type { Logger } from './log.ts';
import { YamlFileError, readYamlFile, type YamlFile } from './yaml-file.ts';

/** A ConfigMap is changed by swapping links, which only a poll of the path sees everywhere. */
const pollMs = 1_000;

/**
 * Gives the file's content now and whenever it changes. A file that cannot be read now ends the
 * service's start; one that cannot be read later is logged, and what was read before holds.
 *
 * @throws {YamlFileError} at the first reading
 */
export async function watchYamlFile(
  file: string,
  { log, signal }: { log: Logger; signal: AbortSignal },
  onContent: (content: YamlFile) => void,
): Promise<void> {
  onContent(await readYamlFile(file));
  let reading = Promise.resolve();
  const reread = async (): Promise<void> => {
    try {
      onContent(await readYamlFile(file));
    } catch (error) {
      if (!(error instanceof YamlFileError)) throw error;
      log.error({ err: error }, 'the changed file is not used; what was read before holds');
    }
  };
  const listener = (): void => {
    reading = reading.then(reread);
  };
  watchFile(file, { interval: pollMs, persistent: false }, listener);
  signal.addEventListener('abort', () => unwatchFile(file, listener), { once: true });
}
