/** The part of a file handle that an append queue needs. */
export interface AppendTarget {
  write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }>;
  truncate(length: number): Promise<void>;
  datasync(): Promise<void>;
}

/** How much is handed to the system at once, in bytes. */
const batchBytes = 1024 * 1024;

/** Lines on their way to a file. */
export interface AppendQueue {
  /** How many bytes wait. */
  readonly pendingBytes: number;
  /** How many lines wait. */
  readonly pendingLines: number;
  /** Takes a line (without its end) and starts writing. */
  push(line: string): void;
  /** Resolves when everything is written and on the device; rejects with the system's error. */
  flush(): Promise<void>;
}

/**
 * Appends lines from `position` on. After a failed write the lines are kept, and the next push or flush cuts off
 * what was written in part and tries again, so that a full disk never leaves a torn line within the file.
 */
export function createAppendQueue(target: AppendTarget, position: number): AppendQueue {
  let lines: { text: string; bytes: number }[] = [];
  let pendingBytes = 0;
  let whole = position;
  let torn = false;
  let running: Promise<void> | undefined;
  let syncFailure: Error | undefined;

  const writeAll = async (buffer: Uint8Array): Promise<void> => {
    for (let done = 0; done < buffer.length;) {
      const { bytesWritten } = await target.write(buffer, done, buffer.length - done, whole + done);
      done += bytesWritten;
    }
  };

  const writeBatches = async (): Promise<void> => {
    while (lines.length > 0) {
      let count = 0;
      for (let bytes = 0; count < lines.length && (count === 0 || bytes < batchBytes); count += 1) {
        bytes += lines[count]?.bytes ?? 0;
      }
      const buffer = Buffer.from(
        lines
          .slice(0, count)
          .map((line) => line.text)
          .join(''),
        'utf8',
      );
      if (torn) await target.truncate(whole);
      torn = true;
      await writeAll(buffer);
      torn = false;
      whole += buffer.length;
      pendingBytes -= buffer.length;
      // Lines may have come while this batch was written.
      lines = lines.slice(count);
    }
  };

  const write = (): Promise<void> => {
    running ??= writeBatches().finally(() => {
      running = undefined;
    });
    return running;
  };

  return {
    get pendingBytes() {
      return pendingBytes;
    },
    get pendingLines() {
      return lines.length;
    },
    push(line) {
      const text = `${line}\n`;
      const bytes = Buffer.byteLength(text);
      lines.push({ text, bytes });
      pendingBytes += bytes;
      // The failure comes again, to whoever flushes.
      write().catch(() => undefined);
    },
    async flush() {
      // A write that is under way may be one that fails for a reason that is gone by now.
      await running?.catch(() => undefined);
      await write();
      // After a failed sync the kernel may have thrown the data away: a second one that succeeds proves nothing.
      if (syncFailure !== undefined) throw syncFailure;
      try {
        await target.datasync();
      } catch (error) {
        syncFailure = error instanceof Error ? error : new Error('the sync failed', { cause: error });
        throw syncFailure;
      }
    },
  };
}
