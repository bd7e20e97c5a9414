import { groupRows, memoryRow } from './rows.mjs';

/** @typedef {import('../result.mjs').BenchResultFile} BenchResultFile */

const HEAD = ['what', 'ours', 'beside', 'that', 'ours / that'];
const MEMORY_HEAD = ['cycle', 'cycles', 'growth of the heap in 1000', 'handles', 'listeners'];

const begin = (/** @type {string} */ name) => `<!-- bench:${name}, written by npm run bench -->`;
const end = (/** @type {string} */ name) => `<!-- end of bench:${name} -->`;

/**
 * What is said of one package, from its measurement alone.
 *
 * @param {BenchResultFile} result
 * @returns {string}
 */
export function section(result) {
  const { machine, versions, groups, memory } = result;
  // What was measured, not what was asked for: a program of its own has its own count.
  const rounds = Math.max(0, ...groups.flatMap(({ entries }) => entries.map((entry) => entry.rounds.length)));
  const tools = Object.entries(versions).map(([tool, version]) => `${tool} ${version}`);
  const parts = [
    `### ${result.package}`,
    `${result.date.slice(0, 10)}, commit \`${result.commit}\`, ${machine.cores} × ${machine.cpu}, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB, kernel ${machine.kernel}, load ${machine.loadStart} to ${machine.loadEnd}; ${tools.join(', ')}; ${rounds} rounds.`,
  ];
  if (groups.length > 0) parts.push(table(HEAD, groups.flatMap(groupRows)));
  if (memory.length > 0) parts.push(table(MEMORY_HEAD, memory.map(memoryRow)));
  return parts.join('\n\n');
}

/**
 * Puts the sections of what was measured in the place of the older ones, and leaves all else as it is.
 *
 * @param {string} text of docs/benchmarks.md
 * @param {readonly BenchResultFile[]} results
 * @returns {string}
 * @throws {Error} where the text has no place for them
 */
export function withResults(text, results) {
  let written = text;
  for (const result of results) {
    const name = result.package;
    const block = `${begin(name)}\n\n${section(result)}\n\n${end(name)}`;
    const from = written.indexOf(begin(name));
    const to = written.indexOf(end(name));
    if (from !== -1 && to > from) {
      written = written.slice(0, from) + block + written.slice(to + end(name).length);
      continue;
    }
    const last = written.indexOf(LAST);
    if (last === -1) throw new Error(`docs/benchmarks.md has no line ${LAST}: there is no place for ${name}`);
    written = `${written.slice(0, last)}${block}\n\n${written.slice(last)}`;
  }
  return written;
}

/** Before this, packages that are new are written. */
export const LAST = '<!-- end of all benches -->';

/**
 * @param {readonly string[]} head
 * @param {readonly string[][]} rows
 */
function table(head, rows) {
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
