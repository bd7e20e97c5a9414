import type { Readable } from 'node:stream';

import type { Subject } from 'rxjs';

import type { End } from '../ending/watch-end.ts';
import { OutputTooLongError } from '../errors.ts';
import type { OutputLine, OutputStream, RunOptions } from '../options.ts';
import type { ProcessClose } from '../running-process.ts';
import { keepLastLines } from './last-lines.ts';
import { keepTail } from './keep-tail.ts';
import { openLogFile } from './log-file.ts';
import { maskSecrets } from './mask-secrets.ts';
import { readOutput } from './read-output.ts';
import { splitLines } from './split-lines.ts';

const mebi = 1024 * 1024;
const defaultDrainTimeoutMs = 2000;

/** Where the output comes from and goes to. */
export interface CollectOptions extends RunOptions {
  program: string;
  stdout: Readable;
  stderr: Readable;
  lines: Subject<OutputLine>;
}

/** Reads both outputs until the program has ended and nothing more comes. What fails ends the program. */
export async function collectOutput(end: End, options: CollectOptions): Promise<ProcessClose> {
  const { program, stdout, stderr, lines } = options;
  const maxOutputBytes = options.maxOutputBytes ?? mebi;
  const log = options.logFile === undefined ? undefined : openLogFile(options.logFile);
  const last = keepLastLines();
  const tails = { stdout: keepTail(maxOutputBytes), stderr: keepTail(maxOutputBytes) };

  const take = async (taken: readonly string[], stream: OutputStream): Promise<void> => {
    for (const line of taken) {
      last.push(line);
      options.onLine?.(line, stream);
      lines.next({ line, stream });
    }
    await log?.append(taken);
  };
  const read = async (source: Readable, stream: OutputStream): Promise<boolean> => {
    const tail = tails[stream];
    try {
      return await readOutput(source, {
        mask: maskSecrets(options.secrets ?? []),
        splitter: splitLines(options.maxLineLength ?? mebi),
        take: (taken) => take(taken, stream),
        keep: (text) => {
          tail.push(text);
          if (options.overflow === 'error' && tail.droppedBytes() > 0) {
            throw new OutputTooLongError(program, stream, maxOutputBytes);
          }
        },
      });
    } catch (error) {
      end.end({ kind: 'error', error });
      source.destroy();
      return false;
    }
  };

  const reading = Promise.all([read(stdout, 'stdout'), read(stderr, 'stderr')]);
  const exit = await end.exitedOrAbandoned;
  const drain = setTimeout(() => {
    stdout.destroy();
    stderr.destroy();
  }, options.drainTimeoutMs ?? defaultDrainTimeoutMs);
  const complete = await reading;
  clearTimeout(drain);
  try {
    await log?.close();
  } catch (error) {
    end.end({ kind: 'error', error });
  }
  lines.complete();
  return {
    exit,
    stdout: tails.stdout.text(),
    stderr: tails.stderr.text(),
    droppedBytes: { stdout: tails.stdout.droppedBytes(), stderr: tails.stderr.droppedBytes() },
    outputComplete: complete.every(Boolean),
    lastLines: last.lines(),
    ended: end.reason(),
  };
}
