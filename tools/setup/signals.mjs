/**
 * Ctrl-C reaches us twice under npm: once from the terminal and once from npm, a few milliseconds later. A person's
 * second Ctrl-C takes longer than this, and means "stop at once", so it must get through.
 */
export const SAME_SIGNAL_WINDOW_MS = 100;

/**
 * @param {() => number} now milliseconds
 * @returns {(signal: string) => boolean} false for an echo of the signal before
 */
export function echoFilter(now) {
  /** @type {Map<string, number>} */
  const last = new Map();
  return (signal) => {
    const time = now();
    const before = last.get(signal);
    if (before !== undefined && time - before < SAME_SIGNAL_WINDOW_MS) return false;
    last.set(signal, time);
    return true;
  };
}
