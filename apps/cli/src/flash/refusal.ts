import type { PlannedTarget } from '@osforge/flasher';
import { cleanLine } from '../text/clean-text.ts';

/** Why targets are refused and what to do, a line for each. */
export function refusalLines(
  refused: readonly PlannedTarget[],
  remedyOf: (kind: PlannedTarget['problems'][number]['kind']) => string,
): string[] {
  return refused.map(({ id, problems }) => {
    const reasons = problems.map(({ detail }) => cleanLine(detail)).join('; ');
    const remedies = [...new Set(problems.map(({ kind }) => remedyOf(kind)))].join(' ');
    return `${cleanLine(id)}: ${reasons}. ${remedies}`;
  });
}
