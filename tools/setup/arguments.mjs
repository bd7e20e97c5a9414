/**
 * @typedef {'start' | 'test'} Job what follows the set-up
 * @typedef {{ job: Job | undefined, forwarded: string[] }} SetupRequest
 */

export const USAGE = `usage: npm run setup                       install what is missing, and build the osforge command
       npm start [-- RECIPE --flags...]   the same, then build an image
       npm test [-- --projects=NAME...]   the same, then run the tests
`;

/**
 * Everything behind `--then JOB` belongs to the job.
 *
 * @param {readonly string[]} argv
 * @returns {SetupRequest | { usageError: string } | { help: true }}
 */
export function parseArguments(argv) {
  const [first, job, ...forwarded] = argv;
  if (first === undefined) return { job: undefined, forwarded: [] };
  if (first === '--help' || first === '-h') return { help: true };
  if (first !== '--then') return { usageError: `unknown argument ${JSON.stringify(first)}` };
  if (job !== 'start' && job !== 'test') {
    return {
      usageError: `--then takes "start" or "test", not ${job === undefined ? 'nothing' : JSON.stringify(job)}`,
    };
  }
  return { job, forwarded };
}
