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
    const last = chunk.lastIndexOf(NEWLINE);
    if (last === -1) {
      this.#hold(chunk);
    } else if (this.#heldBytes + chunk.length <= this.#maxLineBytes) {
      // No line can be too long: all are decoded at once, which is several times faster than one by one.
      for (const line of this.#join(chunk, 0, last).split('\n')) yield withoutReturn(line);
      if (last + 1 < chunk.length) this.#hold(chunk.subarray(last + 1));
    } else {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        this.#check(chunk.subarray(start, end));
        const line = this.#join(chunk, start, end);
        start = end + 1;
        yield withoutReturn(line);
      }
      if (start < chunk.length) this.#hold(chunk.subarray(start));
    }
  }

  /** The text of what is held and of `chunk` from `start` to `end`. Holds nothing afterwards. */
  #join(chunk: Buffer, start: number, end: number): string {
    if (this.#parts.length === 0) return chunk.toString('utf8', start, end);
    const text = Buffer.concat([...this.#parts, chunk.subarray(start, end)]).toString('utf8');
    this.#drop();
    return text;
  }

  #hold(part: Buffer): void {
    this.#check(part);
    this.#heldBytes += part.length;
    this.#parts.push(part);
  }

  #check(part: Buffer): void {
    if (this.#heldBytes + part.length <= this.#maxLineBytes) return;
    const excerpt = (this.#parts[0] ?? part).subarray(0, 200).toString('utf8');
    this.#drop();
    throw new QmpLineTooLongError(this.#maxLineBytes, excerpt);
  }

  #drop(): void {
    this.#parts = [];
    this.#heldBytes = 0;
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
