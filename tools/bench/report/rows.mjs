/**
 * @typedef {import('../result.mjs').Entry} Entry
 * @typedef {import('../result.mjs').Group} Group
 * @typedef {import('../result.mjs').Ratio} Ratio
 */

/**
 * @param {number} value
 * @returns {string} three digits that count, never in exponents
 */
export function figure(value) {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  const digits = size === 0 || size >= 100 ? 0 : Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(size))));
  return value.toFixed(digits);
}

/**
 * @param {Entry} entry
 * @returns {string}
 */
export function spread({ median, p5, p95, unit }) {
  return `${figure(median)} (${figure(p5)}–${figure(p95)}) ${unit}`;
}

/**
 * @param {Ratio} ratio
 * @returns {string}
 */
export function ratioText({ ratio, low, high, role }) {
  const noise = low === null || high === null ? 'one round' : `${figure(low)}–${figure(high)}`;
  return `${figure(ratio)} (${noise})${role === 'floor' ? ' × the floor' : ''}`;
}

/**
 * The rows of a group: what, ours, beside which, that, ratio.
 *
 * @param {Group} group
 * @returns {string[][]}
 */
export function groupRows({ name, entries, missing, ratios }) {
  const entryOf = (/** @type {string} */ wanted) => entries.find((entry) => entry.name === wanted);
  const ours = entries.filter(({ role }) => role === 'ours');
  return ours.flatMap((entry) => {
    const what = ours.length === 1 ? name : `${name}: ${entry.name}`;
    const own = spread(entry);
    const beside = ratios
      .filter((ratio) => ratio.ours === entry.name)
      .map((ratio) => {
        const peer = entryOf(ratio.peer);
        return [what, own, ratio.peer, peer === undefined ? '–' : spread(peer), ratioText(ratio)];
      });
    const without = missing.map((peer) => [what, own, peer.name, `not measured: ${peer.reason}`, '–']);
    const rows = [...beside, ...without];
    return rows.length > 0 ? rows : [[what, own, 'nothing', '–', '–']];
  });
}

/**
 * @param {import('../result.mjs').MemoryResult} memory
 * @returns {string[]}
 */
export function memoryRow(memory) {
  const kilobytes = (/** @type {number} */ bytes) => figure(bytes / 1000);
  const { name, cycles, bytesPerThousandCycles, low, high } = memory;
  return [
    name,
    String(cycles),
    `${kilobytes(bytesPerThousandCycles)} (${kilobytes(low)} to ${kilobytes(high)}) kB`,
    `${memory.handlesBefore} → ${memory.handlesAfter}`,
    `${memory.listenersBefore} → ${memory.listenersAfter}`,
  ];
}
