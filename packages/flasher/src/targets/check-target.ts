import { TargetRefusedError, type TargetProblem } from '../errors.ts';
import type { TargetInfo } from './inspect-target.ts';

/** All reasons why an image of some size must not be written to a target; none if it may. */
export function targetProblems(info: TargetInfo, imageSizeBytes: number | undefined): TargetProblem[] {
  const { identity, problems } = info;
  const tooSmall =
    identity.kind !== 'file' && imageSizeBytes !== undefined && identity.sizeBytes < imageSizeBytes;
  if (!tooSmall) return [...problems];
  const detail = `it holds ${identity.sizeBytes} bytes and the image has ${imageSizeBytes}`;
  return [...problems, { kind: 'too-small', detail }];
}

/** @throws TargetRefusedError unless an image of this size may be written to the target */
export function assertTarget(info: TargetInfo, imageSizeBytes: number | undefined): void {
  const problems = targetProblems(info, imageSizeBytes);
  if (problems.length === 0) return;
  const { path } = info.identity;
  const reasons = problems.map(({ detail }) => detail).join('; ');
  throw new TargetRefusedError(`${path} is refused: ${reasons}`, { path, problems });
}
