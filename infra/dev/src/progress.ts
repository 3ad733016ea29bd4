/** Says what is being done, one line a step, in words that also read well in a log file. */
export type Progress = {
  /** Says what begins, and how long it took; a string that `action` gives (a version) is added. */
  step<T>(what: string, action: () => Promise<T>): Promise<T>;
  note(text: string): void;
};

export function lineProgress(write: (line: string) => void): Progress {
  return {
    async step(what, action) {
      write(`${what} ...`);
      const beganMs = performance.now();
      const result = await action();
      const detail = typeof result === 'string' && result !== '' ? `: ${result}` : '';
      write(`  done${detail} (${formatSeconds(performance.now() - beganMs)})`);
      return result;
    },
    note(text) {
      write(`note: ${text}`);
    },
  };
}

/** `0.4 s`, `75 s`. */
export function formatSeconds(ms: number): string {
  const seconds = ms / 1000;
  return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}
