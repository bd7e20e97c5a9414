/** A stream that text goes to: standard output or standard error. */
export interface TextOutput {
  readonly isTTY: boolean;
  /** Columns of the terminal; 80 where it is none. */
  readonly columns: number;
  /** Rows of the terminal; 24 where it is none. */
  readonly rows: number;
  /** Queues text. Never throws: what a broken stream cannot take is dropped, see `broken`. */
  write(text: string): void;
  /** Why nothing is written any longer: the reader has gone (EPIPE), the device is full, … */
  readonly broken: NodeJS.ErrnoException | undefined;
  /** Called once, when it breaks; at once if it is broken already. Returns how to unsubscribe. */
  onBroken(listener: (error: NodeJS.ErrnoException) => void): () => void;
}

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** Everything of the outside world that a command touches: in tests a plain object. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdinIsTTY: boolean;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Takes over the signals that end a program. Returns how to give them back. */
  readonly onStopSignal: (listener: (signal: StopSignal) => void) => () => void;
  /** Ends the process at once: the last resort when a stop does not come to its end. */
  readonly exit: (code: number) => void;
  /** Resolves when everything written has left the process or cannot leave it any more. */
  readonly drain: () => Promise<void>;
}
