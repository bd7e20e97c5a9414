import { welchRatio } from '../bench/statistics/ratio.mjs';

/**
 * @typedef {import('../bench/result.mjs').BenchResultFile} BenchResultFile
 * @typedef {'slower' | 'faster' | 'noise' | 'not comparable'} Verdict
 *
 * @typedef {object} Line
 * @property {string} package
 * @property {string} group
 * @property {string} name of our entry
 * @property {string} by what was compared, in words
 * @property {Verdict} verdict
 * @property {number | undefined} change after / before
 * @property {number | undefined} low
 * @property {number | undefined} high
 * @property {string} why for `not comparable`; else empty
 *
 * @typedef {object} CompareOptions
 * @property {number} confidence of each verdict, such as 0.99
 * @property {number} leastEffect changes below this part are noise, however certain
 */

/**
 * Holds two measurements of one package against each other. Where a peer or a floor is in both, it is the ratio to
 * the first of them that is compared, as what differs between two days or two machines slows the peer too; else the
 * times, and those only on one machine.
 *
 * @param {BenchResultFile} before
 * @param {BenchResultFile} after of the same package
 * @param {CompareOptions} options
 * @returns {Line[]} in the order of `after`, then what only `before` has
 */
export function compareResults(before, after, options) {
  const oneMachine = machineDifferences(before, after).length === 0;
  const lines = after.groups.flatMap((group) => {
    const old = before.groups.find(({ file, name }) => file === group.file && name === group.name);
    return group.entries
      .filter(({ role }) => role === 'ours')
      .map((entry) => {
        const head = { package: after.package, group: group.name, name: entry.name };
        const oldEntry = old?.entries.find(({ name, role }) => name === entry.name && role === 'ours');
        if (old === undefined || oldEntry === undefined) return unequal(head, 'the first has no such entry');
        if (oldEntry.unit !== entry.unit)
          return unequal(head, `${oldEntry.unit} in the first, ${entry.unit} in the second`);
        const ratio = group.ratios.find(
          ({ ours, peer }) =>
            ours === entry.name && old.ratios.some((other) => other.ours === ours && other.peer === peer),
        );
        const oldRatio = old.ratios.find(({ ours, peer }) => ours === entry.name && peer === ratio?.peer);
        if (ratio !== undefined && oldRatio !== undefined) {
          return verdict(head, `ratio to ${ratio.peer}`, oldRatio.rounds, ratio.rounds, options);
        }
        return oneMachine
          ? verdict(
              head,
              `${entry.unit}, as they have no peer in common`,
              oldEntry.rounds,
              entry.rounds,
              options,
            )
          : unequal(head, 'no peer in common, and the machines differ');
      });
  });
  const gone = before.groups.flatMap((group) =>
    group.entries
      .filter(
        ({ role, name }) =>
          role === 'ours' && !lines.some((line) => line.group === group.name && line.name === name),
      )
      .map(({ name }) =>
        unequal({ package: before.package, group: group.name, name }, 'the second has no such entry'),
      ),
  );
  return [...lines, ...gone];
}

/**
 * @param {BenchResultFile} before
 * @param {BenchResultFile} after
 * @returns {string[]} in words; none when they are of one machine
 */
export function machineDifferences(before, after) {
  const fields = /** @type {const} */ (['cpu', 'cores', 'memoryBytes', 'kernel']);
  const machine = fields
    .filter((field) => before.machine[field] !== after.machine[field])
    .map((field) => `${field}: ${before.machine[field]} and ${after.machine[field]}`);
  const tools = Object.keys({ ...before.versions, ...after.versions })
    .filter((tool) => before.versions[tool] !== after.versions[tool])
    .map((tool) => `${tool}: ${before.versions[tool] ?? 'none'} and ${after.versions[tool] ?? 'none'}`);
  return [...machine, ...tools];
}

/**
 * @param {{ package: string, group: string, name: string }} head
 * @param {string} by
 * @param {readonly number[]} before a value of each round
 * @param {readonly number[]} after
 * @param {CompareOptions} options
 * @returns {Line}
 */
function verdict(head, by, before, after, { confidence, leastEffect }) {
  const change = welchRatio(before, after, confidence);
  if (change === undefined) return unequal(head, 'one round says nothing of the noise');
  const { value, low, high } = change;
  if (![value, low, high].every((each) => Number.isFinite(each) && each > 0)) {
    return unequal(head, 'a round is not above 0, which has no ratio');
  }
  /** @type {Verdict} */
  let said = 'noise';
  if (low > 1 && value >= 1 + leastEffect) said = 'slower';
  if (high < 1 && value <= 1 / (1 + leastEffect)) said = 'faster';
  return { ...head, by, verdict: said, change: value, low, high, why: '' };
}

/**
 * @param {{ package: string, group: string, name: string }} head
 * @param {string} why
 * @returns {Line}
 */
function unequal(head, why) {
  return {
    ...head,
    by: '',
    verdict: 'not comparable',
    change: undefined,
    low: undefined,
    high: undefined,
    why,
  };
}
