import { Writable } from 'node:stream';
import type { TextOutput } from '../host/host.ts';

/** A terminal as `log-update` wants it, over the output that is passed in. */
export class FrameStream extends Writable {
  readonly isTTY = true;
  readonly #output: TextOutput;

  constructor(output: TextOutput) {
    super({ decodeStrings: false });
    this.#output = output;
  }

  get columns(): number {
    return this.#output.columns;
  }

  get rows(): number {
    return this.#output.rows;
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    this.#output.write(String(chunk));
    done();
  }
}
