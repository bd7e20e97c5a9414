import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A TypeScript file as a process of its own, spoken to by lines. */
export interface Child {
  readonly pid: number;
  send(line: string): void;
  /** The next line of its output. Throws where it ends without one. */
  nextLine(): Promise<string>;
  /** Every line that it wrote until it ended. */
  restOfLines(): Promise<string[]>;
  kill(): Promise<void>;
}

export function startChild(file: URL, ...args: string[]): Child {
  const child = spawn(process.execPath, ['--conditions=@osforge/source', fileURLToPath(file), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  if (child.pid === undefined) throw new Error(`${file.pathname} did not start`);
  return {
    pid: child.pid,
    send: (line) => {
      child.stdin.write(`${line}\n`);
    },
    nextLine: async () => {
      const next = await lines.next();
      if (next.done === true) throw new Error(`${file.pathname} ended early`);
      return next.value;
    },
    restOfLines: async () => {
      const rest: string[] = [];
      for (let next = await lines.next(); next.done !== true; next = await lines.next())
        rest.push(next.value);
      return rest;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
