import { Worker } from 'node:worker_threads';
import { FfuWorkerError } from '../errors.ts';

/** Threads of one file that are given tasks in turn, each of which is answered once. */
export interface ThreadPool<Task, Answer> {
  /** What is in `transfer` goes to the thread, and is not to be used here until it comes back in the answer. */
  run(task: Task, transfer?: readonly ArrayBuffer[]): Promise<Answer>;
  close(): Promise<void>;
}

export interface ThreadPoolOptions {
  readonly threads: number;
  /** See `answerTasks`. */
  readonly file: URL;
  /** What they do, for messages: `compress`. */
  readonly purpose: string;
  /** Given to each as it starts. */
  readonly data?: unknown;
}

export interface Numbered<Content> {
  readonly id: number;
  readonly content: Content;
}

export function createThreadPool<Task, Answer>({
  threads: count,
  file,
  purpose,
  data,
}: ThreadPoolOptions): ThreadPool<Task, Answer> {
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  const threads = Array.from({ length: count }, () => {
    // Small young generations: the data is outside of the heap, and each thread would take some 15 MiB.
    const thread = new Worker(file, {
      execArgv: [],
      env: {},
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64 },
    });
    thread.on('message', ({ id, content }: Numbered<Answer>) => {
      waiting.get(id)?.resolve(content);
      waiting.delete(id);
    });
    const ended = (cause?: unknown): void => {
      const message = `a thread to ${purpose} ended; pass workers: 0 to ${purpose} without threads`;
      fail(new FfuWorkerError(message, { cause }));
    };
    thread.on('error', ended);
    thread.on('exit', () => {
      ended();
    });
    return thread;
  });
  let next = 0;
  return {
    run(task, transfer = []) {
      if (failure !== undefined) return Promise.reject(failure);
      const id = (next += 1);
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        const numbered: Numbered<Task> = { id, content: task };
        threads[id % threads.length]?.postMessage(numbered, [...transfer]);
      });
    },
    async close() {
      fail(new FfuWorkerError(`the threads to ${purpose} were closed`));
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
}
