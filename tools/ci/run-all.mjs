import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { countTests } from './count-tests.mjs';
import { runStep } from './run-step.mjs';

/** How much of a failed step's log is shown. */
const SHOWN_LINES = 80;
/** How many lines of one failed test are shown. */
const SHOWN_TEST_LINES = 25;

/**
 * @typedef {import('./steps.mjs').Step} Step
 * @typedef {object} RunAllOptions
 * @property {string} root of the workspace
 * @property {string} logDirectory made when it is not there
 * @property {Step} setup
 * @property {Step} tests
 * @property {readonly { name: string, file: string }[]} reports that the tests have to write; files below root
 * @property {readonly Step[]} checks
 * @property {(line: string) => void} say
 * @property {AbortSignal} signal
 */

/**
 * Runs all steps in turn, whatever fails.
 *
 * @param {RunAllOptions} options
 * @returns {Promise<{ passed: number, failed: number }>} each test and each check counts as one; the set-up only when it
 *   fails
 */
export async function runAll({ root, logDirectory, setup, tests, reports, checks, say, signal }) {
  mkdirSync(logDirectory, { recursive: true });
  const total = { passed: 0, failed: 0 };

  const run = async (/** @type {Step} */ step) => {
    say(`== ${step.name}: ${step.command.join(' ')}`);
    const logFile = join(logDirectory, `${step.name}.log`);
    const result = await runStep(step, { cwd: root, logFile, signal });
    say(`== ${step.name}: ${result.outcome}, ${(result.durationMs / 1000).toFixed(1)} s`);
    return { ...result, logFile };
  };
  const showLog = (/** @type {string} */ logFile) => {
    say(`-- the last lines of ${logFile}`);
    for (const line of readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-SHOWN_LINES))
      say(`   ${line}`);
  };

  const prepared = await run(setup);
  if (!prepared.ok) {
    total.failed += 1;
    showLog(prepared.logFile);
  }

  // A report from an earlier run must not be counted.
  for (const { file } of reports) rmSync(join(root, file), { force: true });
  const tested = await run(tests);
  let failedTests = 0;
  for (const { name, file } of reports) {
    const path = join(root, file);
    const count = countTests(name, existsSync(path) ? readFileSync(path, 'utf8') : undefined);
    total.passed += count.passed;
    failedTests += count.failed;
    say(`   ${name}: ${count.passed} passed, ${count.failed} failed`);
    for (const problem of count.problems) {
      for (const line of stripVTControlCharacters(problem).split('\n').slice(0, SHOWN_TEST_LINES))
        say(`   ! ${line}`);
    }
  }
  if (!tested.ok && failedTests === 0) {
    // An error outside of every test, such as an unhandled rejection.
    failedTests = 1;
    showLog(tested.logFile);
  }
  total.failed += failedTests;

  for (const check of checks) {
    const checked = await run(check);
    total[checked.ok ? 'passed' : 'failed'] += 1;
    if (!checked.ok) showLog(checked.logFile);
  }
  return total;
}
