import { readSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { type BlockReader, checkBounds } from '../block/reader.ts';
import { ImageBoundsError } from '../errors.ts';
import { answerTasks } from '../threads/answer-tasks.ts';
import type { CheckWorkerData } from './check-pool.ts';
import { checkStretch, type FfuDamage, type Stretch } from './check-stretch.ts';

// As createCheckPool gives it.
const { descriptor, sizeBytes } = workerData as CheckWorkerData;

function readInto(offset: number, target: Uint8Array): void {
  checkBounds(offset, target.length, sizeBytes);
  for (let filled = 0; filled < target.length;) {
    const wanted = target.length - filled;
    const bytesRead = readSync(descriptor, target, filled, wanted, offset + filled);
    if (bytesRead === 0) throw new ImageBoundsError(offset + filled, wanted, offset + filled);
    filled += bytesRead;
  }
}

/**
 * Waits for each read, which this thread is for: what comes is in the caches of the processor that hashes it. With reads
 * of the event loop, which others do, two threads were a third slower; the system reads ahead by itself.
 */
const reader: BlockReader = {
  sizeBytes,
  // What is thrown there rejects the promise.
  readInto: (offset, target) =>
    new Promise((resolve) => {
      readInto(offset, target);
      resolve();
    }),
  read: (offset, length) =>
    new Promise((resolve) => {
      const bytes = new Uint8Array(length);
      readInto(offset, bytes);
      resolve(bytes);
    }),
  // The file is the pool's to close.
  close: () => Promise.resolve(),
};

answerTasks<Stretch, FfuDamage[]>((stretch) => checkStretch(reader, stretch, { held: 1 }));
