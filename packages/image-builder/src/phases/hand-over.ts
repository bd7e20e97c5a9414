import { rm } from 'node:fs/promises';
import { run } from '@osforge/process';

/**
 * Gives a text to the one program that reads the named pipe `place`, for as long as `use` takes: it is never in a file,
 * nor in an environment or an argument that other programs could see. `use` gets a signal that also fires when the text
 * cannot be handed over, as its reader would wait for it without end.
 */
export async function handOver<T>(
  request: { text: string; place: string; secrets: readonly string[]; signal: AbortSignal },
  use: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { place, secrets, signal, text } = request;
  await rm(place, { force: true });
  await run('mkfifo', ['--mode=0600', '--', place], { signal, timeoutMs: 30_000 });
  const done = new AbortController();
  const failed = new AbortController();
  // Opening the pipe waits for its reader, which a program can be ended in and a thread of ours could not.
  const handing = run('sh', ['-c', 'exec cat >"$1"', 'sh', place], {
    input: text,
    secrets,
    killAfterMs: 0,
    signal: AbortSignal.any([signal, done.signal]),
  }).catch((error: unknown) => {
    if (!done.signal.aborted) failed.abort(error);
  });
  try {
    return await use(AbortSignal.any([signal, failed.signal]));
  } catch (error) {
    const problem: unknown = failed.signal.reason;
    throw problem instanceof Error ? problem : error;
  } finally {
    done.abort();
    await handing;
    await rm(place, { force: true });
  }
}
