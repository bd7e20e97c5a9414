import { expect, test } from 'vitest';
import { describeError } from '../src/errors/describe-error.ts';
import { exitCodeOf } from '../src/errors/exit-code-of.ts';
import { UsageError } from '../src/errors/usage-error.ts';

function failure(code: string, message = code, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}

test.each([
  [new UsageError('no'), 2],
  [failure('RECIPE_INVALID'), 2],
  [failure('BUILD_NOT_FOUND'), 2],
  [failure('CHECKPOINT_BUILD_ID'), 2],
  [failure('PREFLIGHT_FAILED'), 3],
  [failure('PIPELINE_PLAN_FAILED', 'wrapper', failure('PACKAGES_NO_SOURCES')), 3],
  [failure('PACKAGES_NO_KEYRING'), 3],
  [failure('PIPELINE_PHASE_FAILED', 'wrapper', failure('PREFLIGHT_FAILED')), 3],
  [
    failure(
      'PIPELINE_PLAN_FAILED',
      'wrapper',
      failure('PIPELINE_PHASE_FAILED', 'x', failure('PREFLIGHT_FAILED')),
    ),
    3,
  ],
  [failure('PIPELINE_PHASE_FAILED', 'wrapper', failure('APP_INSTALL_FAILED')), 1],
  [Object.assign(failure('PIPELINE_PHASE_FAILED'), { phase: 'preflight' }), 3],
  [Object.assign(failure('PIPELINE_PHASE_FAILED'), { phase: 'disk' }), 1],
  [failure('CHECKPOINT_LOCKED'), 1],
  [failure('CHECKPOINT_NEWER_VERSION'), 1],
  [failure('PIPELINE_CANCELLED'), 130],
  [new Error('a defect'), 1],
  ['not even an error', 1],
])('exit code of %o is %i', (error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});

test('a circle of causes ends', () => {
  const one = failure('A');
  one.cause = failure('B', 'b', one);
  expect(exitCodeOf(one)).toBe(1);
});

test('an error of a known kind is its message; what it carries from a guest is clean', async () => {
  const error = failure(
    'PIPELINE_PHASE_FAILED',
    'phase "app-install" failed: x\n  | \u001B[2Jboom',
    failure('APP_INSTALL_FAILED'),
  );
  expect(await describeError(error, { debug: false })).toBe('error: phase "app-install" failed: x\n  | boom');
});

test('a defect says that it is one; OSFORGE_DEBUG shows where it came from', async () => {
  const error = new TypeError('x is undefined', { cause: new Error('below') });
  expect(await describeError(error, { debug: false })).toMatch(
    /^error: x is undefined\n.*defect.*OSFORGE_DEBUG=1/,
  );
  const debug = await describeError(error, { debug: true });
  expect(debug).toMatch(/errors\.test\.ts/);
  expect(debug).toContain('caused by: Error: below');
});

test('a missing permission comes with what to do', async () => {
  const error = failure('CHECKPOINT_IO', "cannot read /x: EACCES: permission denied, open '/x'");
  expect(await describeError(error, { debug: false })).toBe(
    `error: ${error.message}\nRun it as the user whose files these are, or as root.`,
  );
});
