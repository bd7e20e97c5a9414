import type { TargetConfirmation } from '@osforge/flasher';
import { cleanLine } from '../text/clean-text.ts';

/**
 * Shows what will be overwritten and has a word typed for each. On standard error, as standard output may be a pipe.
 * @returns false if it was cancelled; nothing else leads past it
 */
export async function confirmTargets(
  targets: readonly TargetConfirmation[],
  signal?: AbortSignal,
): Promise<boolean> {
  const { isCancel, text } = await import('@clack/prompts');
  for (const { description, word } of targets) {
    const shown = cleanLine(word);
    const answer = await text({
      message: `Everything on it will be lost: ${cleanLine(description)}\nType ${shown} to overwrite it, or press Ctrl-C.`,
      validate: (typed) => (typed?.trim() === shown ? undefined : `That is not ${shown}.`),
      output: process.stderr,
      ...(signal === undefined ? {} : { signal }),
    });
    if (isCancel(answer)) return false;
  }
  return true;
}
