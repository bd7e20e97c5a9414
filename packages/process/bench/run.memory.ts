import { run } from '@osforge/process';

export const cycles = 2000;

/** A program that is started with a signal that outlives it, prints a line and ends. */
const { signal } = new AbortController();

export async function cycle(): Promise<void> {
  const lines: string[] = [];
  await run('/bin/echo', ['a line'], {
    signal,
    timeoutMs: 60_000,
    onLine: (line) => {
      lines.push(line);
    },
  });
  if (lines.length !== 1) throw new Error(`There are ${lines.length} lines.`);
}
