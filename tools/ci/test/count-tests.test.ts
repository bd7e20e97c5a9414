import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countTests } from '../count-tests.mjs';

/** Inside of this folder, because the files import vitest. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(import.meta.dirname, '.report-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What vitest itself reports of a file. */
async function report(name: string, source: string): Promise<string> {
  await writeFile(join(folder, `${name}.spec.ts`), source);
  await writeFile(
    join(folder, 'vitest.config.ts'),
    `export default { test: { include: ['${name}.spec.ts'] } };`,
  );
  await new Promise((resolve) => {
    // A failed test makes vitest fail; the report is what counts here.
    execFile('vitest', ['run', '--reporter=json', '--outputFile.json=result.json'], { cwd: folder }, resolve);
  });
  return readFile(join(folder, 'result.json'), 'utf8');
}

const IMPORT = `import { describe, expect, test } from 'vitest';\n`;

test('passed, failed, skipped and todo', async () => {
  const text = await report(
    'mixed',
    `${IMPORT}
    test('right', () => {});
    test('right too', () => {});
    test('wrong', () => { expect(1).toBe(2); });
    test.skip('left out', () => {});
    test.todo('later');
    test('in passing', ({ skip }) => { skip(); });
    describe.skip('group', () => { test('inside', () => {}); });`,
  );
  const count = countTests('p', text);
  expect(count).toMatchObject({ passed: 2, failed: 5 });
  expect(count.problems[0]).toMatch(/^p: wrong: .*expected 1 to be 2/);
  expect(count.problems.slice(1)).toEqual([
    expect.stringMatching(/^p: left out: it is (skipped|pending)/),
    expect.stringMatching(/^p: later: it is todo/),
    expect.stringMatching(/^p: in passing: it is (skipped|pending)/),
    expect.stringMatching(/^p: group inside: it is (skipped|pending)/),
  ]);
}, 300_000);

test('a file that cannot be loaded is one failure', async () => {
  const count = countTests('p', await report('broken', `import './nowhere.ts';`));
  expect(count).toMatchObject({ passed: 0, failed: 1 });
  expect(count.problems[0]).toMatch(/nowhere/);
}, 300_000);

test('a hook that fails counts, though every test has passed', async () => {
  const text = await report(
    'hook',
    `import { afterAll, test } from 'vitest'; test('right', () => {}); afterAll(() => { throw new Error('left a mess'); });`,
  );
  expect(countTests('p', text)).toMatchObject({ passed: 1, failed: 1 });
}, 300_000);

test('no report, a torn report, no tests', () => {
  expect(countTests('p', undefined)).toMatchObject({ passed: 0, failed: 1 });
  expect(countTests('p', '{"testRes')).toMatchObject({ passed: 0, failed: 1 });
  expect(countTests('p', '{"testResults":[]}')).toMatchObject({ passed: 0, failed: 1 });
});
