import { closeSync, openSync, writeSync } from 'node:fs';

/**
 * The file that gets every byte of a serial console. Written at once and in order, so that what is reported of a console
 * is in its log already. QEMU's own `logfile` is not used: each time its socket is full for a moment it logs the same
 * byte once more.
 */
export class ConsoleLog {
  readonly #path: string;
  #descriptor: number | undefined;

  /** Opens or makes the file (0600) and appends to it. */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = openSync(path, 'a', 0o600);
  }

  /** Appends. After a first failure nothing more is written, and that failure is returned once, as text. */
  write(chunk: Uint8Array): string | undefined {
    if (this.#descriptor === undefined) return undefined;
    try {
      for (let done = 0; done < chunk.length;) done += writeSync(this.#descriptor, chunk, done);
      return undefined;
    } catch (error) {
      this.close();
      return `${this.#path} ends here: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** Idempotent. */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
