import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { Observable } from 'rxjs';

import { JournalSequenceError, JournalWriteError } from '../errors.ts';
import type { BusEvent } from '../event.ts';
import type { JsonObject } from '../json.ts';
import { createAppendQueue, type AppendTarget } from './append-queue.ts';
import { repairJournal } from './repair.ts';

const defaultMaxQueueBytes = 16 * 1024 * 1024;

/** The part of a bus that a journal needs; every `EventBus` has it. */
export interface JournalSource {
  readonly events$: Observable<BusEvent>;
  readonly afterSeq: number;
  readonly lastSeq: number;
  continueAfter(seq: number): void;
}

/** Events that did not get into the journal. */
export type DroppedEvents = {
  /** How many. */
  count: number;
  firstSeq: number;
  lastSeq: number;
  /** The queue was full, or they came before the journal was attached and were no longer kept for replay. */
  reason: 'overflow' | 'late-attach';
};

/** How a journal is opened. */
export interface OpenJournalOptions {
  /** How much may wait to be written, in bytes; default 16 MiB. Beyond it events are dropped, and counted. */
  maxQueueBytes?: number | undefined;
  /** Told when events were dropped, at the moment at which the journal could write again, or was closed. */
  onDropped?: ((dropped: DroppedEvents) => void) | undefined;
  /** Where to write instead of the file itself: to force faults in tests. */
  target?: ((file: AppendTarget) => AppendTarget) | undefined;
}

/** An NDJSON file of events that is open for appending. One writer at a time. */
export interface Journal {
  readonly path: string;
  /** The number of the last event that was in the file or was appended; 0 if there was none. */
  readonly lastSeq: number;
  /** What opening moved to `<path>.torn`, in bytes; 0 if the file was whole. */
  readonly tornBytes: number;
  /** How many events were dropped since opening. */
  readonly dropped: number;
  /**
   * Writes the events of a bus from now on, and those that it keeps for replay. Its numbers go on after those in
   * the file. Returns how to detach. Throws {@link JournalSequenceError} if the bus has already used numbers that
   * are in the file.
   */
  attach(bus: JournalSource): () => void;
  /** Appends an event. It is written soon; after `flush` it is on the device. Throws after `close`. */
  append(event: BusEvent): void;
  /**
   * Resolves when everything up to now is on the device. Rejects with {@link JournalWriteError}; what was not
   * written is kept, and the next event or flush tries again.
   */
  flush(): Promise<void>;
  /** Detaches, flushes and closes the file, also if flushing fails; then it rejects as `flush` does. */
  close(): Promise<void>;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Opens a journal, creating it if it is missing (mode 0600), and repairs what a killed writer has left: a torn
 * last line is moved to `<path>.torn`. Rejects with {@link JournalVersionError} for a newer program's file, and
 * with the system's error if the file cannot be opened.
 */
export async function openJournal(path: string, options: OpenJournalOptions = {}): Promise<Journal> {
  // Not O_APPEND: a write that failed in part is written again at its own place.
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  const tail = await repairJournal(handle, path).catch(async (error: unknown) => {
    await handle.close();
    throw error;
  });
  await syncFolder(path);
  const queue = createAppendQueue(options.target?.(handle) ?? handle, tail.sizeBytes);
  const maxQueueBytes = options.maxQueueBytes ?? defaultMaxQueueBytes;
  const detachers = new Set<() => void>();
  let lastSeq = tail.lastSeq;
  let droppedCount = 0;
  let gap: (DroppedEvents & { after: BusEvent }) | undefined;
  let closed = false;

  /** Says in the journal itself what is missing from it, at the place where it is missing. */
  const tellDropped = (dropped: DroppedEvents, near: BusEvent): void => {
    const { count, firstSeq, reason } = dropped;
    const data: JsonObject = { count, firstSeq, lastSeq: dropped.lastSeq, reason };
    queue.push(
      JSON.stringify({ ...near, seq: dropped.lastSeq, source: 'event-bus', type: 'journal.dropped', data }),
    );
    options.onDropped?.({ count, firstSeq, lastSeq: dropped.lastSeq, reason });
  };
  const closeGap = (): void => {
    if (gap === undefined) return;
    const { after, ...dropped } = gap;
    gap = undefined;
    tellDropped(dropped, after);
  };

  const append = (event: BusEvent): void => {
    if (closed) throw new JournalWriteError(path, 0, new Error('the journal is closed'));
    lastSeq = Math.max(lastSeq, event.seq);
    if (queue.pendingBytes >= maxQueueBytes) {
      droppedCount += 1;
      gap = {
        count: (gap?.count ?? 0) + 1,
        firstSeq: gap?.firstSeq ?? event.seq,
        lastSeq: event.seq,
        reason: 'overflow',
        after: event,
      };
      return;
    }
    closeGap();
    queue.push(JSON.stringify(event));
  };

  const flush = async (): Promise<void> => {
    try {
      await queue.flush();
      if (gap === undefined) return;
      closeGap();
      await queue.flush();
    } catch (error) {
      throw new JournalWriteError(path, queue.pendingLines, error);
    }
  };

  return {
    path,
    get lastSeq() {
      return lastSeq;
    },
    tornBytes: tail.tornBytes,
    get dropped() {
      return droppedCount;
    },
    attach(bus) {
      if (bus.lastSeq > bus.afterSeq && bus.afterSeq < lastSeq) throw new JournalSequenceError(path, lastSeq);
      bus.continueAfter(lastSeq);
      let expected = bus.afterSeq + 1;
      const subscription = bus.events$.subscribe((event) => {
        if (event.seq > expected) {
          const missing = event.seq - expected;
          droppedCount += missing;
          const range = { count: missing, firstSeq: expected, lastSeq: event.seq - 1 };
          tellDropped({ ...range, reason: 'late-attach' }, event);
        }
        expected = event.seq + 1;
        append(event);
      });
      const detach = (): void => {
        subscription.unsubscribe();
        detachers.delete(detach);
      };
      detachers.add(detach);
      return detach;
    },
    append,
    flush,
    async close() {
      if (closed) return;
      for (const detach of detachers) detach();
      try {
        await flush();
      } finally {
        closed = true;
        await handle.close();
      }
    },
  };
}
