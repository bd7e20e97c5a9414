import { studentT } from './student.mjs';

/**
 * The slope of a line through points by least squares, with Student's interval from what the points are off it.
 *
 * @param {readonly { x: number, y: number }[]} points at least three, not all of one x
 * @param {number} confidence such as 0.95
 * @returns {import('./ratio.mjs').Interval}
 */
export function slope(points, confidence) {
  const count = points.length;
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / count;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / count;
  const spreadX = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const value = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spreadX;
  const off = points.reduce((sum, { x, y }) => sum + (y - meanY - value * (x - meanX)) ** 2, 0);
  const half = studentT(confidence, count - 2) * Math.sqrt(off / (count - 2) / spreadX);
  return { value, low: value - half, high: value + half };
}
