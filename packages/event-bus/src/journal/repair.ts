import { open, type FileHandle } from 'node:fs/promises';

import { JournalVersionError } from '../errors.ts';
import { parseEvent } from './parse-event.ts';

/** What re-opening a journal found at its end. */
export interface JournalTail {
  /** The size of what is whole, in bytes. */
  sizeBytes: number;
  /** The number of the last event; 0 if there is none. */
  lastSeq: number;
  /** What was moved to `<path>.torn`, in bytes; 0 if nothing was torn. */
  tornBytes: number;
}

const newline = 0x0a;
const blockBytes = 64 * 1024;

/** Finds the last line that is an event, reading backwards. */
async function findLastEvent(
  handle: FileHandle,
  path: string,
  size: number,
): Promise<{ end: number; lastSeq: number }> {
  let tail = Buffer.alloc(0);
  let start = size;
  let lineEnd = size;
  for (;;) {
    // The line that ends before `lineEnd` begins after the newline before it.
    const before = lineEnd - start > 0 ? tail.lastIndexOf(newline, lineEnd - start - 1) : -1;
    if (before === -1 && start > 0) {
      // Twice as much as there is: a long line without an end is not copied over and over.
      const length = Math.min(Math.max(blockBytes, tail.length), start);
      const block = Buffer.alloc(length);
      await handle.read(block, 0, length, start - length);
      tail = Buffer.concat([block, tail.subarray(0, lineEnd - start)]);
      start -= length;
      continue;
    }
    const from = before + 1;
    const parsed = parseEvent(tail.toString('utf8', from, lineEnd - start));
    if ('event' in parsed) return { end: lineEnd, lastSeq: parsed.event.seq };
    if (parsed.version !== undefined) throw new JournalVersionError(path, parsed.version);
    if (start + from === 0) return { end: 0, lastSeq: 0 };
    lineEnd = start + from - 1;
  }
}

async function keepAside(handle: FileHandle, path: string, from: number, to: number): Promise<void> {
  const aside = await open(`${path}.torn`, 'a', 0o600);
  try {
    const block = Buffer.alloc(blockBytes);
    for (let position = from; position < to;) {
      const length = Math.min(blockBytes, to - position);
      const { bytesRead } = await handle.read(block, 0, length, position);
      if (bytesRead === 0) break;
      await aside.appendFile(block.subarray(0, bytesRead));
      position += bytesRead;
    }
    await aside.appendFile('\n');
    await aside.sync();
  } finally {
    await aside.close();
  }
}

/**
 * Makes a journal end with a whole event. A writer that was killed leaves a torn last line; a power failure may
 * leave several, or blocks of zeros. What is not whole is appended to `<path>.torn` and made durable there before
 * it is cut off; an event that lacks only its line end gets it. Throws {@link JournalVersionError} rather than
 * cut off what a newer program wrote.
 */
export async function repairJournal(handle: FileHandle, path: string): Promise<JournalTail> {
  const { size } = await handle.stat();
  if (size === 0) return { sizeBytes: 0, lastSeq: 0, tornBytes: 0 };
  const { end, lastSeq } = await findLastEvent(handle, path, size);
  if (end === size) {
    // The file has no line end after its last event.
    await handle.write('\n', size);
    return { sizeBytes: size + 1, lastSeq, tornBytes: 0 };
  }
  const whole = end === 0 ? 0 : end + 1;
  if (whole === size) return { sizeBytes: size, lastSeq, tornBytes: 0 };
  await keepAside(handle, path, whole, size);
  await handle.truncate(whole);
  await handle.sync();
  return { sizeBytes: whole, lastSeq, tornBytes: size - whole };
}
