import { TargetRefusedError, type TargetProblem } from '../errors.ts';
import type { TargetInfo } from './inspect-target.ts';
import { remedyOf } from './remedy.ts';

/**
 * All reasons why an image of some size, made for sectors of some size, must not be written to a target; none if it may.
 * A file may be for any disk.
 */
export function targetProblems(
  info: TargetInfo,
  imageSizeBytes: number | undefined,
  imageSectorBytes?: number,
): TargetProblem[] {
  const { identity, logicalBlockBytes } = info;
  const problems = [...info.problems];
  if (identity.kind === 'file') return problems;
  if (imageSizeBytes !== undefined && identity.sizeBytes < imageSizeBytes) {
    const detail = `it holds ${identity.sizeBytes} bytes and the image has ${imageSizeBytes}`;
    problems.push({ kind: 'too-small', detail });
  }
  if (imageSectorBytes !== undefined && logicalBlockBytes !== imageSectorBytes) {
    const detail = `it has sectors of ${logicalBlockBytes} bytes, and the image is made for ${imageSectorBytes}`;
    problems.push({ kind: 'sector-size', detail });
  }
  return problems;
}

/** @throws TargetRefusedError unless an image of this size, for sectors of this size, may be written to the target */
export function assertTarget(
  info: TargetInfo,
  imageSizeBytes: number | undefined,
  imageSectorBytes?: number,
): void {
  const problems = targetProblems(info, imageSizeBytes, imageSectorBytes);
  if (problems.length === 0) return;
  const { path } = info.identity;
  const reasons = problems.map(({ detail }) => detail).join('; ');
  const remedies = [...new Set(problems.map(({ kind }) => remedyOf(kind)))].join(' ');
  throw new TargetRefusedError(`${path} is refused: ${reasons}. ${remedies}`, { path, problems });
}
