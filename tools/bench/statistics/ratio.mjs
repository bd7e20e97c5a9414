import { studentT } from './student.mjs';
import { meanAndVariance } from './summary.mjs';

/**
 * @typedef {object} Interval
 * @property {number} value
 * @property {number} low
 * @property {number} high
 */

/**
 * The ratio of two things that were measured side by side in the same rounds: the geometric mean of the rounds'
 * ratios, with Student's interval of their logarithms. What slows both in one round falls out of it.
 *
 * @param {readonly number[]} ours one value of each round
 * @param {readonly number[]} peer as many
 * @param {number} confidence such as 0.95
 * @returns {Interval & { rounds: number[] }} from one round, low is 0 and high is Infinity: nothing is known of the noise
 */
export function pairedRatio(ours, peer, confidence) {
  const rounds = ours.map((value, index) => value / (peer[index] ?? Number.NaN));
  const logs = rounds.map(Math.log);
  if (rounds.length < 2) return { value: rounds[0] ?? Number.NaN, low: 0, high: Infinity, rounds };
  const { mean, variance } = meanAndVariance(logs);
  const half = studentT(confidence, rounds.length - 1) * Math.sqrt(variance / rounds.length);
  return { value: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half), rounds };
}

/**
 * By what the second of two sets of independent rounds differs from the first: the ratio of their geometric means with
 * Welch's interval of the logarithms, which does not ask for the same noise in both.
 *
 * @param {readonly number[]} before
 * @param {readonly number[]} after
 * @param {number} confidence
 * @returns {Interval | undefined} undefined where one of them has fewer than two rounds
 */
export function welchRatio(before, after, confidence) {
  if (before.length < 2 || after.length < 2) return undefined;
  const a = meanAndVariance(before.map(Math.log));
  const b = meanAndVariance(after.map(Math.log));
  const partA = a.variance / before.length;
  const partB = b.variance / after.length;
  const difference = b.mean - a.mean;
  const sum = partA + partB;
  const degrees =
    sum === 0 ? 1 : sum ** 2 / (partA ** 2 / (before.length - 1) + partB ** 2 / (after.length - 1));
  const half = sum === 0 ? 0 : studentT(confidence, degrees) * Math.sqrt(sum);
  return {
    value: Math.exp(difference),
    low: Math.exp(difference - half),
    high: Math.exp(difference + half),
  };
}
