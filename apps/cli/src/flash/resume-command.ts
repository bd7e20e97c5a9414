import type { FlashFlags } from '../commands/flash.ts';
import { cleanLine } from '../text/clean-text.ts';
import { shellWord } from '../view/summary-lines.ts';

/** The command line that goes on with targets that are not complete. */
export function resumeCommand(image: string, targets: readonly string[], flags: FlashFlags): string {
  const { sha256, bmap, receipts, sign, journal } = flags;
  const valued = Object.entries({ sha256, bmap, receipts, sign, journal });
  const words = [
    ...['osforge', 'flash', image],
    ...(flags.verify ? [] : ['--no-verify']),
    ...(flags.probe ? ['--probe'] : []),
    ...(flags.allowPartition ? ['--allow-partition'] : []),
    ...valued.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
    ...['--to', ...targets],
  ];
  return words.map((word) => shellWord(cleanLine(word))).join(' ');
}
