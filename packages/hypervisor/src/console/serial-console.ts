import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { Observable, Subject } from 'rxjs';
import { MachineGoneError } from '../errors.ts';
import { withDeadline, type WaitOptions } from '../wait.ts';
import type { ConsoleLog } from './console-log.ts';
import { plainLine } from './terminal-text.ts';

const KEPT_LINES = 1000;
const LONGEST_LINE = 64 * 1024;

/** Text of a serial console: lines as they come, the newest kept, and the unfinished line at the end. */
export class SerialConsole {
  /** Complete lines from the subscription on, as plain text. Completes when the machine ends. */
  readonly lines$: Observable<string>;
  readonly #lines = new Subject<string>();
  readonly #texts = new Subject<string>();
  readonly #decoder = new StringDecoder('utf8');
  readonly #kept: string[] = [];
  readonly #writer: Writable;
  #partial = '';
  #ended = false;

  constructor({ reader, writer }: { reader: Readable; writer: Writable }, log?: ConsoleLog) {
    this.#writer = writer;
    this.lines$ = this.#lines.asObservable();
    reader.on('data', (chunk: Buffer) => {
      const problem = log?.write(chunk);
      this.#accept(this.#decoder.write(chunk));
      // No word of the guest, but nobody looks anywhere else for the reason why its log is short.
      if (problem !== undefined) this.#line(`--- ${problem}`);
    });
    reader.once('close', () => {
      log?.close();
      this.#end();
    });
  }

  /** The newest `count` lines, oldest first; the last may be an unfinished one, such as a login prompt. */
  lastLines(count: number): string[] {
    if (count <= 0) return [];
    const partial = plainLine(this.#partial);
    return (partial === '' ? this.#kept : [...this.#kept, partial]).slice(-count);
  }

  /**
   * Resolves with the first line, complete or not, that matches from now on; the unfinished line of now counts.
   * @throws MachineGoneError when the console ends first; MachineTimeoutError, MachineCancelledError
   */
  async waitFor(pattern: RegExp, options: WaitOptions): Promise<string> {
    // A sticky or global expression would remember where it stopped in another line.
    const test = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    const what = `console line that matches ${String(pattern)}`;
    const partial = plainLine(this.#partial);
    if (partial !== '' && test.test(partial)) return partial;
    if (this.#ended) throw new MachineGoneError(what);
    let stop: () => void = () => {};
    const found = new Promise<string>((resolve, reject) => {
      const subscription = this.#texts.subscribe({
        next: (line) => {
          if (test.test(line)) resolve(line);
        },
        complete: () => {
          reject(new MachineGoneError(what));
        },
      });
      stop = () => {
        subscription.unsubscribe();
      };
    });
    return withDeadline(what, found, options).finally(stop);
  }

  /** Types on the console. Resolves when the kernel took it. @throws MachineGoneError, MachineTimeoutError, MachineCancelledError */
  async send(text: string, options: WaitOptions): Promise<void> {
    const what = 'text typed on the console';
    if (this.#ended) throw new MachineGoneError(what);
    const sent = new Promise<void>((resolve, reject) => {
      this.#writer.write(text, (error) => {
        if (error) reject(new MachineGoneError(what, error));
        else resolve();
      });
    });
    await withDeadline(what, sent, options);
  }

  #accept(text: string): void {
    const parts = (this.#partial + text).split('\n');
    this.#partial = parts.pop() ?? '';
    for (const part of parts) this.#line(part);
    while (this.#partial.length > LONGEST_LINE) {
      this.#line(this.#partial.slice(0, LONGEST_LINE));
      this.#partial = this.#partial.slice(LONGEST_LINE);
    }
    const partial = plainLine(this.#partial);
    if (partial !== '') this.#texts.next(partial);
  }

  #line(raw: string): void {
    const line = plainLine(raw);
    this.#kept.push(line);
    // In blocks, because moving the whole list for each line would cost.
    if (this.#kept.length > 2 * KEPT_LINES) this.#kept.splice(0, KEPT_LINES);
    this.#lines.next(line);
    this.#texts.next(line);
  }

  #end(): void {
    if (this.#ended) return;
    this.#accept(this.#decoder.end());
    if (this.#partial !== '') this.#line(this.#partial);
    this.#partial = '';
    this.#ended = true;
    this.#lines.complete();
    this.#texts.complete();
  }
}
