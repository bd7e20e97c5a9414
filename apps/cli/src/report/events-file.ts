import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { BusEvent } from '@osforge/event-bus';
import { UsageError } from '../errors/usage-error.ts';
import { codeOf } from '../errors/error-chain.ts';
import { jsonLine } from './json-line.ts';

/** The copy of all events that `--events` asks for. */
export interface EventsFile {
  readonly event: (event: BusEvent) => void;
  /** Resolves when everything is written. What could not be written has been told to `onError`, once. */
  readonly close: () => Promise<void>;
}

/**
 * Opens it for appending, so that no earlier run is lost. `goesOn` says what happens when it cannot be written.
 * @throws UsageError where it cannot be opened
 */
export async function openEventsFile(
  file: string,
  onError: (message: string) => void,
  goesOn = 'the build goes on, its own journal has all events',
): Promise<EventsFile> {
  // No O_TRUNC and no O_EXCL: an existing file is added to; a pipe or /dev/fd/N works as well.
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
  const handle = await open(file, flags, 0o644).catch((error: unknown) => {
    throw new UsageError(`--events ${file}: ${reason(error)}`, { cause: error });
  });
  const stream = handle.createWriteStream({ autoClose: true });
  let failed = false;
  let lost = 0;
  const closed = new Promise<void>((resolve) => stream.once('close', resolve));
  stream.on('error', (error) => {
    failed = true;
    onError(`--events ${file}: ${error.message}; ${goesOn}`);
  });
  return {
    event: (event) => {
      if (failed) lost += 1;
      else stream.write(jsonLine(event));
    },
    close: async () => {
      stream.end();
      await closed;
      if (lost > 0) onError(`--events ${file}: ${lost} events were not written`);
    },
  };
}

function reason(error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOENT':
      return 'its folder does not exist; make it first';
    case 'EISDIR':
      return 'it is a folder; name a file';
    case 'EACCES':
    case 'EROFS':
      return 'it cannot be written; choose another place';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
