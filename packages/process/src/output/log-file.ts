import { createWriteStream } from 'node:fs';
import { once } from 'node:events';

import { ProcessLogFileError } from '../errors.ts';

/** A file that lines are appended to. */
export interface LogFile {
  /** Resolves at once, or, while much is waiting to be written, when it has been. */
  append(lines: readonly string[]): Promise<void>;
  /** Resolves when everything is handed to the kernel (it is a log: it is not flushed to the device). */
  close(): Promise<void>;
}

/** Opens `path` for appending. Every call rejects with {@link ProcessLogFileError} after a write failed. */
export function openLogFile(path: string): LogFile {
  const stream = createWriteStream(path, { flags: 'a' });
  let failure: ProcessLogFileError | undefined;
  stream.on('error', (error) => {
    failure ??= new ProcessLogFileError(path, error);
  });
  const check = (): void => {
    if (failure !== undefined) throw failure;
  };
  const settled = async (event: 'drain' | 'close'): Promise<void> => {
    try {
      await once(stream, event);
    } catch (error) {
      failure ??= new ProcessLogFileError(path, error);
    }
    check();
  };
  return {
    async append(lines) {
      check();
      if (lines.length > 0 && !stream.write(`${lines.join('\n')}\n`)) await settled('drain');
    },
    async close() {
      check();
      stream.end();
      if (!stream.closed) await settled('close');
      check();
    },
  };
}
