/** The whole run is meant to stay below this. Longer is a warning and no failure: a busy machine is no defect. */
const MEANT_MS = 30 * 60_000;

/**
 * What is said about the time that the whole run took.
 *
 * @param {number} durationMs
 * @returns {string[]} lines
 */
export function totalTime(durationMs) {
  const seconds = Math.round(durationMs / 1000);
  const lines = [`== total: ${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`];
  if (durationMs > MEANT_MS) {
    lines.push(
      `== warning: longer than the ${MEANT_MS / 60_000} minutes that this run is meant to take; the times above say where they went`,
    );
  }
  return lines;
}
