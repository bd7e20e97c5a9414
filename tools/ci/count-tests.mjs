/**
 * The parts that are read of the report that vitest's `json` reporter writes.
 * @typedef {{ status: string, fullName: string, failureMessages?: string[] | null }} TestCase
 * @typedef {{ name: string, status: string, message?: string, assertionResults: TestCase[] }} TestFile
 * @typedef {{ testResults: TestFile[] }} TestReport
 *
 * @typedef {{ passed: number, failed: number, problems: string[] }} Count `problems` has one line or more for each failure
 */

/**
 * Counts the tests of one project. A test that did not run counts as failed, and so do a file that could not be loaded
 * and a project without any test: all of them would otherwise look like success.
 *
 * @param {string} project
 * @param {string | undefined} text of its report; undefined when there is none
 * @returns {Count}
 */
export function countTests(project, text) {
  if (text === undefined) return failure(`${project}: no test report; its tests did not run to their end`);
  /** @type {TestReport} */
  let report;
  try {
    report = JSON.parse(text);
  } catch {
    return failure(`${project}: the test report is unreadable`);
  }
  if (report.testResults.length === 0) return failure(`${project}: no tests`);

  /** @type {Count} */
  const count = { passed: 0, failed: 0, problems: [] };
  const fail = (/** @type {string} */ problem) => {
    count.failed += 1;
    count.problems.push(problem);
  };
  for (const file of report.testResults) {
    let failedHere = 0;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') count.passed += 1;
      else {
        failedHere += 1;
        const detail =
          test.status === 'failed' ? (test.failureMessages ?? []).join('\n') : `it is ${test.status}`;
        fail(`${project}: ${test.fullName}: ${detail}`);
      }
    }
    if (file.status === 'failed' && failedHere === 0)
      fail(`${project}: ${file.name}: ${file.message ?? 'failed'}`);
    else if (file.assertionResults.length === 0) fail(`${project}: ${file.name}: no tests`);
  }
  return count;
}

/**
 * @param {string} problem
 * @returns {Count}
 */
function failure(problem) {
  return { passed: 0, failed: 1, problems: [problem] };
}
