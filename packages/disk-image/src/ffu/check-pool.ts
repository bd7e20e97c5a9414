import type { BlockReader } from '../block/reader.ts';
import { createThreadPool } from '../threads/thread-pool.ts';
import { checkStretch, type FfuDamage, type Stretch } from './check-stretch.ts';

/** Checks stretches, several at a time. */
export interface CheckPool {
  check(stretch: Stretch): Promise<FfuDamage[]>;
  close(): Promise<void>;
}

/** What each thread is given: a file that stays open until the pool is closed. */
export interface CheckWorkerData {
  readonly descriptor: number;
  readonly sizeBytes: number;
}

/** The file lies beside this one, in the sources and in what is built of them. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './check-worker.ts' : './check-worker.js',
  import.meta.url,
);

/**
 * `workers` threads, which are given work in turn; 0, and for a reader without a descriptor: in this thread. What a thread
 * failed to do is tried here, where an error of the file keeps its type; so is all, where no thread can be started.
 */
export function createCheckPool(
  reader: BlockReader,
  workers: number,
  { signal, file = workerFile }: { signal?: AbortSignal | undefined; file?: URL } = {},
): CheckPool {
  const here = (stretch: Stretch): Promise<FfuDamage[]> => checkStretch(reader, stretch, { signal });
  const { descriptor, sizeBytes } = reader;
  if (workers === 0 || descriptor === undefined) return { check: here, close: () => Promise.resolve() };
  const data: CheckWorkerData = { descriptor, sizeBytes };
  const pool = createThreadPool<Stretch, FfuDamage[]>({ threads: workers, file, purpose: 'verify', data });
  let closed = false;
  return {
    check: (stretch) =>
      pool.run(stretch).catch((error: unknown) => {
        if (closed) throw error;
        return here(stretch);
      }),
    async close() {
      closed = true;
      await pool.close();
    },
  };
}
