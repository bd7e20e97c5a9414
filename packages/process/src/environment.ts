import { searchPath } from './find-program.ts';

/** The environment of a program: ours with changes, a locale whose output can be parsed, and a full PATH. */
export function environment(changes: Readonly<Record<string, string | undefined>> = {}): NodeJS.ProcessEnv {
  const merged: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C.UTF-8', ...changes };
  return { ...merged, PATH: searchPath(merged['PATH']) };
}
