/**
 * The value below which a part of the values lies, interpolated between the two nearest.
 *
 * @param {readonly number[]} values not empty, in any order
 * @param {number} part 0 to 1
 * @returns {number} NaN of no values
 */
export function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * part;
  const below = Math.floor(place);
  const low = sorted[below] ?? Number.NaN;
  return low + ((sorted[below + 1] ?? low) - low) * (place - below);
}

/**
 * @param {readonly number[]} values
 * @returns {number}
 */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * Median absolute deviation from the median: a spread that a few outliers do not move.
 *
 * @param {readonly number[]} values
 * @returns {number}
 */
export function medianDeviation(values) {
  const middle = median(values);
  return median(values.map((value) => Math.abs(value - middle)));
}

/**
 * @param {readonly number[]} values at least two
 * @returns {{ mean: number, variance: number }} the variance of the population they were drawn from
 */
export function meanAndVariance(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / (values.length - 1) };
}

/**
 * At most so many of the values, spread evenly over their order, so that quantiles stay what they were.
 *
 * @param {readonly number[]} values
 * @param {number} most
 * @returns {number[]} sorted
 */
export function thinned(values, most) {
  const sorted = values.toSorted((a, b) => a - b);
  if (sorted.length <= most) return sorted;
  return Array.from({ length: most }, (_, index) => quantileOfSorted(sorted, index / (most - 1)));
}

/**
 * @param {readonly number[]} sorted
 * @param {number} part
 */
function quantileOfSorted(sorted, part) {
  return sorted[Math.round((sorted.length - 1) * part)] ?? Number.NaN;
}
