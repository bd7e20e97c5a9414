import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { entry, environment, repository } from './run-cli.ts';

const run = promisify(execFile);

/** A real terminal (tmux), with the command line running in it. */
export interface Terminal {
  /** What is on the screen, without what has scrolled away. */
  screen(): Promise<string>;
  /** The screen as soon as it fulfils the condition; looked at whenever something was drawn. */
  until(what: string, condition: (screen: string) => boolean): Promise<string>;
  keys(...keys: string[]): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  close(): Promise<void>;
}

export interface TerminalOptions {
  readonly folder: string;
  readonly columns: number;
  readonly rows: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `osforge` with these arguments in a terminal; `exit=<code>` is shown when it ends. */
export async function openTerminal(args: readonly string[], options: TerminalOptions): Promise<Terminal> {
  const { folder, columns, rows } = options;
  // A server of its own each time: one that is just ending still holds its socket.
  const tmux = ['-S', path.join(folder, `${randomUUID()}.sock`), '-f', '/dev/null'];
  const tell = async (...words: string[]): Promise<string> =>
    (await run('tmux', [...tmux, ...words], { maxBuffer: 1 << 24 })).stdout;
  const settings = Object.entries({ LC_ALL: 'C.UTF-8', ...options.env }).map(
    ([name, value]) => `${name}=${value}`,
  );
  // The shell outlives Ctrl-C, so that it can say how the command line ended.
  const script = 'trap : INT; env "$@"; echo "exit=$?"; exec sleep 1000';
  await run(
    'tmux',
    [...tmux, 'new-session', '-d', '-x', String(columns), '-y', String(rows), '-c', repository].concat(
      '--',
      '/bin/bash',
      '-c',
      script,
      'bash',
      ...settings,
      process.execPath,
      entry,
      ...args,
    ),
    { env: environment({}) },
  );
  await tell('set-option', '-g', 'window-size', 'manual');
  // A control-mode client is told of everything that is drawn: nothing has to be polled.
  const control = spawn('tmux', [...tmux, '-C', 'attach'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const listeners = new Set<() => void>();
  control.stdout.on('data', () => {
    for (const listener of listeners) listener();
  });
  const ended = new Promise<void>((resolve) =>
    control.once('close', () => {
      resolve();
    }),
  );
  const screen = (): Promise<string> => tell('capture-pane', '-p');

  return {
    screen,
    until: async (what, condition) => {
      let changed = (): void => {};
      const listener = (): void => {
        changed();
      };
      listeners.add(listener);
      try {
        for (;;) {
          const next = new Promise<void>((resolve) => (changed = resolve));
          const text = await screen();
          if (condition(text)) return text;
          if (/^exit=/m.test(text)) throw new Error(`it ended before ${what}:\n${text}`);
          await Promise.race([
            next,
            ended.then(() => {
              throw new Error(`the terminal ended before ${what}`);
            }),
          ]);
        }
      } finally {
        listeners.delete(listener);
      }
    },
    keys: async (...keys) => {
      await tell('send-keys', ...keys);
    },
    resize: async (width, height) => {
      await tell('resize-window', '-x', String(width), '-y', String(height));
    },
    close: async () => {
      await tell('kill-server').catch(() => '');
      control.stdin.end();
      await ended;
    },
  };
}
