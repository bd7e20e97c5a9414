import { execaSync } from 'execa';

const known = new Map<string, string | undefined>();

/**
 * Whether the kernel lets us do what this harmless command does. It runs once in the life of this process
 * (about 10 ms) and returns undefined if it succeeds, or the reason why it does not.
 */
export function probe(program: string, args: readonly string[]): string | undefined {
  const key = [program, ...args].join('\0');
  if (!known.has(key)) {
    const result = execaSync(program, args, { reject: false, timeout: 10_000, stdin: 'ignore' });
    known.set(key, result.failed ? result.stderr.trim() || result.shortMessage : undefined);
  }
  return known.get(key);
}
