/**
 * @typedef {object} BenchRequest
 * @property {number} rounds processes, one after the other
 * @property {'cpu' | 'heap' | undefined} profile
 * @property {string[] | undefined} only names of projects; undefined for all
 * @property {string | undefined} program of the package, for benches that are no file of vitest
 */

export const USAGE = `usage: npx nx bench PACKAGE [-- --rounds N] [--profile cpu|heap]
       npm run bench [-- --only PACKAGE,...] [--rounds N] [--profile cpu|heap]
`;

const FLAGS = ['rounds', 'profile', 'only', 'program'];
/** The least from which an interval of 99% has a use, and few enough for all packages in a quarter of an hour. */
export const ROUNDS = 5;

/**
 * Takes `--flag value` and `--flag=value`, as Nx passes on the latter.
 *
 * @param {readonly string[]} argv
 * @returns {BenchRequest | { usageError: string } | { help: true }}
 */
export function parseArguments(argv) {
  /** @type {Record<string, string>} */
  const given = {};
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? '';
    if (argument === '--help' || argument === '-h') return { help: true };
    const [, flag = '', value = argv[at + 1]] = /^--([a-z]+)(?:=(.*))?$/.exec(argument) ?? [];
    if (!FLAGS.includes(flag)) return { usageError: `unknown argument ${JSON.stringify(argument)}` };
    if (value === undefined || value === '') return { usageError: `--${flag} takes a value` };
    if (!argument.includes('=')) at += 1;
    given[flag] = value;
  }
  const { rounds = String(ROUNDS), profile, only, program } = given;
  if (!/^[1-9]\d*$/.test(rounds))
    return { usageError: `--rounds takes a number from 1, not ${JSON.stringify(rounds)}` };
  if (profile !== undefined && profile !== 'cpu' && profile !== 'heap') {
    return { usageError: `--profile takes "cpu" or "heap", not ${JSON.stringify(profile)}` };
  }
  return { rounds: Number(rounds), profile, only: only?.split(','), program };
}
