import { QmpLineTooLongError } from './errors.ts';

const NEWLINE = 0x0a;

/**
 * Cuts a byte stream into lines. Holds at most `maxLineBytes` of an unfinished line; the bytes are joined once, when
 * the line is complete, so that a line torn into many chunks costs linear time.
 */
export class LineSplitter {
  readonly #maxLineBytes: number;
  #parts: Buffer[] = [];
  #heldBytes = 0;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /**
   * Complete lines of `chunk` and of what was held, without their `\n` and an optional `\r`.
   * @throws QmpLineTooLongError when a line passes the limit; the splitter then holds nothing.
   */
  *push(chunk: Buffer): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#hold(chunk.subarray(start, end));
      start = end + 1;
      const line = Buffer.concat(this.#parts).toString('utf8');
      this.#drop();
      yield line.endsWith('\r') ? line.slice(0, -1) : line;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
  }

  #hold(part: Buffer): void {
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#maxLineBytes) {
      const excerpt = (this.#parts[0] ?? part).subarray(0, 200).toString('utf8');
      this.#drop();
      throw new QmpLineTooLongError(this.#maxLineBytes, excerpt);
    }
    this.#parts.push(part);
  }

  #drop(): void {
    this.#parts = [];
    this.#heldBytes = 0;
  }
}
