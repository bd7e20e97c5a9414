import { open } from 'node:fs/promises';

import { JournalInvalidError } from '../errors.ts';
import type { BusEvent } from '../event.ts';
import { parseEvent } from './parse-event.ts';

/** How a journal is read. */
export interface ReadJournalOptions {
  /** Stops reading; the iteration then throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Told of a last line without a line end: a writer was killed, or is writing. It is not an event yet. */
  onTorn?: ((fragment: Uint8Array) => void) | undefined;
}

const newline = 0x0a;
const chunkBytes = 64 * 1024;

/**
 * The events of a journal in their order, read piece by piece. Throws {@link JournalInvalidError} at a line
 * that is no event, after the events before it; the system's error if the file cannot be read.
 */
export async function* readJournal(
  path: string,
  options: ReadJournalOptions = {},
): AsyncGenerator<BusEvent, void, undefined> {
  const handle = await open(path, 'r');
  try {
    // Split at the byte, not by a line reader of text: those take U+2028, which JSON leaves as it is, for an end.
    let rest: Buffer[] = [];
    let line = 1;
    let offset = 0;
    for (;;) {
      options.signal?.throwIfAborted();
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, null);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      let from = 0;
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
        const bytes = Buffer.concat([...rest, chunk.subarray(from, end)]);
        rest = [];
        from = end + 1;
        const parsed = parseEvent(bytes.toString('utf8'));
        if ('reason' in parsed) throw new JournalInvalidError(path, line, offset, parsed.reason);
        yield parsed.event;
        line += 1;
        offset += bytes.length + 1;
      }
      if (from < chunk.length) rest.push(chunk.subarray(from));
    }
    if (rest.length > 0) options.onTorn?.(Buffer.concat(rest));
  } finally {
    await handle.close();
  }
}
