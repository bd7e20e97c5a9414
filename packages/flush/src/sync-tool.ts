import { execa, ExecaError } from 'execa';
import { errorFor } from './classify-error.ts';
import type { Deadline } from './deadline.ts';
import { FlushUnsupportedError, type FlushOperation } from './errors.ts';

/** Where Debian keeps what a plain user's PATH does not reach. */
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The texts of strerror(3) in the C locale, as the tools print them. */
const errnoByText: readonly (readonly [string, string])[] = [
  ['Input/output error', 'EIO'],
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['Read-only file system', 'EROFS'],
  ['Permission denied', 'EACCES'],
  ['Operation not permitted', 'EPERM'],
  ['No such file or directory', 'ENOENT'],
  ['Not a directory', 'ENOTDIR'],
  ['Inappropriate ioctl for device', 'ENOTTY'],
  ['Invalid argument', 'EINVAL'],
  ['Device or resource busy', 'EBUSY'],
];

/**
 * The one place of this package that starts a program: node has neither syncfs nor ioctl. The tools belong
 * to coreutils and util-linux, which every Debian system has.
 */
export async function runSyncTool(
  program: string,
  args: readonly string[],
  target: string,
  operation: FlushOperation,
  deadline: Deadline,
): Promise<string> {
  deadline.check(operation);
  try {
    const { stdout } = await execa(program, args, {
      cancelSignal: deadline.signal,
      // Nothing else of our environment, which may hold secrets.
      extendEnv: false,
      env: { LC_ALL: 'C', PATH: [process.env['PATH'], systemPath].filter(Boolean).join(':') },
      stdin: 'ignore',
    });
    return stdout;
  } catch (error) {
    deadline.check(operation);
    if (error instanceof ExecaError && error.code === 'ENOENT') {
      throw new FlushUnsupportedError(`${operation} of ${target} needs the program ${program}; install it`, {
        target,
        operation,
        cause: error,
      });
    }
    throw errorFor({ target, operation, errno: errnoIn(error), cause: error });
  }
}

function errnoIn(error: unknown): string | undefined {
  const stderr: unknown = error instanceof ExecaError ? error.stderr : undefined;
  if (typeof stderr !== 'string') return undefined;
  return errnoByText.find(([text]) => stderr.includes(text))?.[1];
}
