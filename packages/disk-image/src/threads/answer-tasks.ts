import { parentPort } from 'node:worker_threads';
import type { Numbered } from './thread-pool.ts';

/** In a thread of a ThreadPool: answers each task. What `work` throws ends the thread, and with it the pool. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- so that both ends name the same two
export function answerTasks<Task, Answer>(
  work: (task: Task) => Answer | Promise<Answer>,
  transfer: (answer: Answer) => readonly ArrayBuffer[] = () => [],
): void {
  const port = parentPort;
  port?.on('message', ({ id, content }: Numbered<Task>) => {
    // A rejection has no owner here: it is the error that ends the thread.
    void (async () => {
      const answer = await work(content);
      const numbered: Numbered<Answer> = { id, content: answer };
      port.postMessage(numbered, [...transfer(answer)]);
    })();
  });
}
