import { isatty } from 'node:tty';
import type { Host, StopSignal, TextOutput } from './host.ts';

const stopSignals: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The real process. */
export function nodeHost(): Host {
  return {
    env: process.env,
    cwd: process.cwd(),
    stdinIsTTY: isatty(0),
    stdout: textOutput(process.stdout, 1),
    stderr: textOutput(process.stderr, 2),
    now: Date.now,
    onStopSignal: (listener) => {
      for (const signal of stopSignals) process.on(signal, listener);
      return () => {
        for (const signal of stopSignals) process.off(signal, listener);
      };
    },
    exit: (code) => {
      process.exit(code);
    },
    drain: async () => {
      await Promise.all([drained(process.stdout), drained(process.stderr)]);
    },
  };
}

function textOutput(stream: NodeJS.WriteStream, descriptor: number): TextOutput {
  let broken: NodeJS.ErrnoException | undefined;
  const listeners = new Set<(error: NodeJS.ErrnoException) => void>();
  // Without a listener a reader that goes away (`| head -1`) would end the process, and the build with it.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (broken !== undefined) return;
    broken = error;
    for (const listener of listeners) listener(error);
  });
  return {
    isTTY: isatty(descriptor),
    get columns() {
      return stream.columns > 0 ? stream.columns : 80;
    },
    get rows() {
      return stream.rows > 0 ? stream.rows : 24;
    },
    write: (text) => {
      if (broken === undefined) stream.write(text);
    },
    get broken() {
      return broken;
    },
    onBroken: (listener) => {
      if (broken === undefined) listeners.add(listener);
      else listener(broken);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    // Writes end in their order; their errors are told to the stream's listeners one turn later.
    stream.write('', () => setImmediate(resolve));
  });
}
