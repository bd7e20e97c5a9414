import { pairedRatio } from './statistics/ratio.mjs';
import { median, medianDeviation, quantile } from './statistics/summary.mjs';

/** Of the intervals in a result. */
export const CONFIDENCE = 0.95;

/**
 * @typedef {import('./raw.mjs').RawGroup} RawGroup
 * @typedef {import('./raw.mjs').RawEntry} RawEntry
 * @typedef {import('./result.mjs').Group} Group
 */

/**
 * Puts the same group of several rounds together.
 *
 * @param {readonly RawGroup[]} raw in any order of groups, each group in the order of the rounds
 * @returns {{ groups: Group[], problems: string[] }} an entry that a round lacks, or has no positive figure of, is a
 *   problem and is left out
 */
export function combine(raw) {
  /** @type {string[]} */
  const problems = [];
  /** @type {Map<string, RawGroup[]>} */
  const byName = new Map();
  for (const group of raw) {
    const label = `${group.file}: ${group.name}`;
    byName.set(label, [...(byName.get(label) ?? []), group]);
  }
  const groups = [...byName.entries()].map(([label, rounds]) => {
    const names = [...new Set(rounds.flatMap(({ entries }) => entries.map(({ name }) => name)))];
    const entries = names.flatMap((name) => {
      const found = rounds.flatMap((round) => round.entries.filter((entry) => entry.name === name));
      if (found.length === rounds.length) {
        const entry = entryOf(name, found);
        if (entry.rounds.every((figure) => Number.isFinite(figure) && figure > 0)) return [entry];
        problems.push(`${label}: ${JSON.stringify(name)} has no figure above 0 in every round`);
        return [];
      }
      problems.push(
        `${label}: ${JSON.stringify(name)} was measured ${found.length} times in ${rounds.length} rounds`,
      );
      return [];
    });
    const references = entries.filter(({ role }) => role !== 'ours');
    const missing = new Map(rounds.flatMap((round) => round.missing.map((peer) => [peer.name, peer])));
    return {
      file: rounds[0]?.file ?? '',
      name: rounds[0]?.name ?? '',
      entries,
      missing: [...missing.values()],
      ratios: entries
        .filter(({ role }) => role === 'ours')
        .flatMap((ours) =>
          references.filter(({ unit }) => unit === ours.unit).map((peer) => ratioOf(ours, peer)),
        ),
    };
  });
  return { groups, problems };
}

/**
 * @param {string} name
 * @param {readonly RawEntry[]} rounds
 * @returns {import('./result.mjs').Entry}
 */
function entryOf(name, rounds) {
  const all = rounds.flatMap(({ values }) => values);
  const medians = rounds.map(({ values }) => median(values));
  return {
    name,
    role: rounds[0]?.role ?? 'ours',
    unit: rounds[0]?.unit ?? '',
    samples: rounds.reduce((sum, { samples }) => sum + samples, 0),
    median: median(medians),
    p5: quantile(all, 0.05),
    p95: quantile(all, 0.95),
    mad: medianDeviation(medians),
    rounds: medians,
  };
}

/**
 * @param {import('./result.mjs').Entry} ours
 * @param {import('./result.mjs').Entry} peer
 * @returns {import('./result.mjs').Ratio}
 */
function ratioOf(ours, peer) {
  const { value, low, high, rounds } = pairedRatio(ours.rounds, peer.rounds, CONFIDENCE);
  const known = rounds.length > 1;
  return {
    ours: ours.name,
    peer: peer.name,
    role: peer.role,
    ratio: value,
    low: known ? low : null,
    high: known ? high : null,
    rounds,
  };
}
