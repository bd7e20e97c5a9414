/** The most that a timer of Node can wait: 24.8 days. With more, `Infinity` too, it would fire at once. */
const longestMs = 2 ** 31 - 1;

/** Milliseconds as a timer takes them, so that `Infinity` is "as long as it takes". */
export function timerMs(ms: number): number {
  return Math.min(ms, longestMs);
}
