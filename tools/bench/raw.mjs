import { existsSync, readFileSync } from 'node:fs';

/**
 * What one process has measured, one JSON object a line: see `OSFORGE_BENCH_RAW` in docs/benchmarks.md.
 *
 * @typedef {object} RawEntry
 * @property {string} name
 * @property {import('./measure/role.mjs').Role} role
 * @property {string} unit `ms`, `ns/op`, `s`, `MiB`
 * @property {readonly number[]} values sorted or not; thinned when there are many
 * @property {number} samples of which they are
 *
 * @typedef {object} RawGroup
 * @property {'group'} kind
 * @property {string} file of the bench, relative to the package
 * @property {string} name
 * @property {readonly RawEntry[]} entries in the order of the bench
 * @property {readonly { name: string, reason: string }[]} missing peers
 *
 * @typedef {object} RawMemory
 * @property {'memory'} kind
 * @property {import('./result.mjs').MemoryResult} result
 *
 * @param {string} file
 * @returns {(RawGroup | RawMemory)[]} in the order they were written; none when there is no file
 */
export function readRaw(file) {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      /** @type {RawGroup | RawMemory} */
      const raw = JSON.parse(line);
      return raw;
    });
}
