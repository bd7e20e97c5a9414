import type { FlashFlags } from '../commands/flash.ts';
import { cleanLine } from '../text/clean-text.ts';
import { shellWord } from '../view/summary-lines.ts';

/** The command line that goes on with targets that are not complete, called in the way that this process was. */
export function resumeCommand(
  image: string,
  targets: readonly string[],
  flags: FlashFlags,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const { sha256, bmap, receipts, sign, journal } = flags;
  const valued = Object.entries({ sha256, bmap, receipts, sign, journal });
  const words = [
    ...calledAs(env),
    ...['flash', image],
    ...(flags.verify ? [] : ['--no-verify']),
    ...(flags.probe ? ['--probe'] : []),
    ...(flags.allowPartition ? ['--allow-partition'] : []),
    ...valued.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
    ...['--to', ...targets],
  ];
  return words.map((word) => shellWord(cleanLine(word))).join(' ');
}

/** npm calls its event so for `npx` and `npm exec` alike. */
function calledAs(env: Readonly<Record<string, string | undefined>>): string[] {
  return env['npm_lifecycle_event'] === 'npx' ? ['npx', 'osforge'] : ['osforge'];
}
