import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { readToTheEnd } from '@osforge/vm-events';
import { Observable, Subject } from 'rxjs';
import { MachineGoneError } from './errors.ts';
import { withDeadline, type WaitOptions } from './wait.ts';

/** A virtio-serial port that the guest sees as `/dev/virtio-ports/<name>`. Lines of UTF-8 in both directions. */
export interface GuestChannel {
  readonly name: string;
  /**
   * Lines from the guest. Those that came before the first subscription are kept for it (up to 10 000; more end the
   * channel's promise of completeness and are counted in `droppedLines`). Completes when the machine ends.
   */
  readonly lines$: Observable<string>;
  readonly droppedLines: number;
  /**
   * Sends one line. Resolves when the kernel took it, which is before the guest reads it; QEMU holds it until the
   * guest opens the port. Default deadline 30 000 ms.
   * @throws MachineGoneError, MachineTimeoutError, MachineCancelledError; TypeError when the line has a line break
   */
  send(line: string, options?: WaitOptions): Promise<void>;
}

const HELD_LINES = 10_000;
const LONGEST_LINE = 1024 * 1024;

/** The channel on a connection that QEMU made. A line of more than 1 MiB comes in pieces. */
export function guestChannel(name: string, socket: Socket): GuestChannel {
  const lines = new Subject<string>();
  const decoder = new StringDecoder('utf8');
  let held: string[] | undefined = [];
  let partial = '';
  let droppedLines = 0;
  let ended = false;

  let writeError: Error | undefined;
  // A guest's last words must not be lost because something was sent while its machine ended.
  readToTheEnd(socket, (error) => {
    writeError ??= error;
  });
  const emit = (line: string): void => {
    if (held === undefined) lines.next(line);
    else if (held.length < HELD_LINES) held.push(line);
    else droppedLines += 1;
  };
  const accept = (text: string): void => {
    const parts = (partial + text).split('\n');
    partial = parts.pop() ?? '';
    for (const part of parts) emit(part.endsWith('\r') ? part.slice(0, -1) : part);
    while (partial.length > LONGEST_LINE) {
      emit(partial.slice(0, LONGEST_LINE));
      partial = partial.slice(LONGEST_LINE);
    }
  };
  socket.on('data', (chunk: Buffer) => {
    accept(decoder.write(chunk));
  });
  socket.once('close', () => {
    ended = true;
    lines.complete();
  });

  return {
    name,
    lines$: new Observable((subscriber) => {
      const before = held;
      held = undefined;
      for (const line of before ?? []) subscriber.next(line);
      return lines.subscribe(subscriber);
    }),
    get droppedLines() {
      return droppedLines;
    },
    send(line, options = {}) {
      if (/[\r\n]/.test(line)) return Promise.reject(new TypeError('A line must not hold a line break.'));
      const what = `line sent on channel "${name}"`;
      if (ended) return Promise.reject(new MachineGoneError(what));
      const sent = new Promise<void>((resolve, reject) => {
        socket.write(`${line}\n`, (error) => {
          const cause = error ?? writeError;
          if (cause === undefined) resolve();
          else reject(new MachineGoneError(what, cause));
        });
      });
      return withDeadline(what, sent, { timeoutMs: 30_000, ...options });
    },
  };
}
