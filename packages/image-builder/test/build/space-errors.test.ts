import { expect, test } from 'vitest';
import { FlushNoSpaceError } from '@osforge/flush';
import { ProgramFailedError } from '@osforge/process';
import { asSpaceError } from '../../src/build/space-errors.ts';

const systemError = (code: string, fields: object = {}): Error =>
  Object.assign(new Error(`${code}: as the system says it`), { code, syscall: 'write', ...fields });

const failedProgram = (lastLines: string[]): ProgramFailedError =>
  new ProgramFailedError({ program: 'tar', args: [], exitCode: 2, signal: null, lastLines });

test.each([
  ['a system call', systemError('ENOSPC', { path: '/out/file' }), '/out/file'],
  ['a copy', systemError('ENOSPC', { path: '/from', dest: '/to' }), '/to'],
  ['a quota', systemError('EDQUOT'), '/out'],
  ['a program', failedProgram(['tar: x: Cannot write: No space left on device', 'tar: Exiting']), '/out'],
  [
    'a cause',
    new Error('could not be saved', { cause: systemError('ENOSPC', { path: '/out/state' }) }),
    '/out/state',
  ],
])('a full disk that was told by %s becomes one kind of error, which names the place', (_, error, place) => {
  const typed = asSpaceError(error, '/out');
  expect(typed).toMatchObject({ code: 'DISK_IMAGE_DISK_FULL', path: place, cause: error });
  expect(String(typed)).toContain(place);
});

test.each([
  ['another system error', systemError('EIO')],
  ['another failed program', failedProgram(['tar: x: Cannot open: Permission denied'])],
  [
    'an error that says it already',
    new FlushNoSpaceError('full', { target: '/out', operation: 'write', cause: systemError('ENOSPC') }),
  ],
  ['no error at all', 'text'],
])('%s stays what it is', (_, error) => {
  expect(asSpaceError(error, '/out')).toBe(error);
});
