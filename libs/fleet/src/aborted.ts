/** `signal.aborted` as a question: the compiler takes the property's first answer for ever. */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
