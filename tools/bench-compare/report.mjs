import { figure } from '../bench/report/rows.mjs';
import { compareResults, machineDifferences } from './verdicts.mjs';

/** @typedef {import('../bench/result.mjs').BenchResultFile} BenchResultFile */

/**
 * @param {readonly BenchResultFile[]} before
 * @param {readonly BenchResultFile[]} after
 * @param {import('./verdicts.mjs').CompareOptions} options
 * @returns {{ text: string, slower: number, compared: number }}
 * @throws {Error} where they have no package in common
 */
export function report(before, after, options) {
  const pairs = after.flatMap((result) => {
    const old = before.find((other) => other.package === result.package);
    return old === undefined ? [] : [{ old, result }];
  });
  if (pairs.length === 0) {
    const names = (/** @type {readonly BenchResultFile[]} */ all) =>
      all.map((each) => each.package).join(', ') || 'nothing';
    throw new Error(`the first is of ${names(before)}, the second of ${names(after)}: nothing to compare`);
  }
  /** @type {string[]} */
  const lines = [];
  let slower = 0;
  let compared = 0;
  for (const { old, result } of pairs) {
    lines.push(`${result.package}: ${old.commit} (${old.date}) and ${result.commit} (${result.date})`);
    for (const difference of machineDifferences(old, result)) {
      lines.push(
        `  ! not of one machine or of other versions, so only ratios to a peer are compared: ${difference}`,
      );
    }
    for (const [which, { problems }] of /** @type {const} */ ([
      ['first', old],
      ['second', result],
    ])) {
      for (const problem of problems) lines.push(`  ! the ${which} is not whole: ${problem}`);
    }
    for (const line of compareResults(old, result, options)) {
      if (line.verdict === 'slower') slower += 1;
      if (line.verdict !== 'not comparable') compared += 1;
      const detail =
        line.change === undefined || line.low === undefined || line.high === undefined
          ? line.why
          : `× ${figure(line.change)} (${figure(line.low)} to ${figure(line.high)}), ${line.by}`;
      lines.push(`  ${line.verdict.padEnd(14)} ${line.group}: ${line.name}: ${detail}`);
    }
  }
  const only = (
    /** @type {readonly BenchResultFile[]} */ here,
    /** @type {readonly BenchResultFile[]} */ there,
  ) => here.map((each) => each.package).filter((name) => !there.some((each) => each.package === name));
  for (const name of only(before, after)) lines.push(`${name}: only in the first`);
  for (const name of only(after, before)) lines.push(`${name}: only in the second`);
  const percent = (/** @type {number} */ part) => `${Number((part * 100).toFixed(2))}%`;
  lines.push(
    `${slower} slower of ${compared} compared, each at ${percent(options.confidence)} confidence and from ${percent(options.leastEffect)} on` +
      ` (so at most about ${figure(compared * (1 - options.confidence))} of them by chance)`,
  );
  return { text: `${lines.join('\n')}\n`, slower, compared };
}
