import type { Duplex } from 'node:stream';
import { ReplaySubject, Subject, type Observable } from 'rxjs';
import { armDeadline, type WaitOptions } from '../deadline.ts';
import {
  QmpAbortedError,
  QmpCommandError,
  QmpConnectionError,
  QmpProtocolError,
  QmpTimeoutError,
} from './errors.ts';
import { LineSplitter } from './line-splitter.ts';
import { readToTheEnd } from './read-to-the-end.ts';
import { parseQmpLine, type QmpEvent, type QmpGreeting, type QmpObject } from './message.ts';

/** How a connection ended. `error` is set for `error`, and for an `eof` that came as a connection reset. */
export interface QmpEnd {
  readonly reason: 'eof' | 'error' | 'closed';
  readonly error?: Error;
}

/** A negotiated QMP connection. */
export interface QmpClient {
  readonly greeting: QmpGreeting;
  /** Events from now on. Completes when the connection ends; never errors. */
  readonly events$: Observable<QmpEvent>;
  /** As `events$`, but first the last 256 events that came before the subscription (only those below 64 KiB). */
  readonly history$: Observable<QmpEvent>;
  /**
   * Sends a command and resolves with its `return` value. Replies are matched by id, so calls may overlap.
   * @param options.timeoutMs default 30 000 ms
   * @throws QmpCommandError, QmpTimeoutError, QmpAbortedError, QmpConnectionError
   */
  execute(command: string, args?: QmpObject, options?: WaitOptions): Promise<unknown>;
  /** Resolves once, after every line that came before the end was handled. Never rejects. */
  readonly ended: Promise<QmpEnd>;
  /** Closes our side. Pending commands are rejected. Idempotent. */
  close(): void;
}

interface Pending {
  readonly command: string;
  settle(outcome: { value: unknown } | { error: Error }): void;
}

const DEFAULT_COMMAND_TIMEOUT_MS = 30_000;
const HISTORY_EVENTS = 256;
const HISTORY_LINE_BYTES = 64 * 1024;

/** The state machine behind {@link QmpClient}; `connectQmp` makes it and waits for `greeted`. */
export class QmpConnection {
  readonly events: Subject<QmpEvent> = new Subject();
  readonly history: ReplaySubject<QmpEvent> = new ReplaySubject(HISTORY_EVENTS);
  readonly greeted: Promise<QmpGreeting>;
  readonly ended: Promise<QmpEnd>;
  readonly #stream: Duplex;
  readonly #splitter: LineSplitter;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #end: QmpEnd | undefined;
  #onGreeting: (greeting: QmpGreeting) => void = () => {};
  #onEnd: (end: QmpEnd) => void = () => {};

  constructor(stream: Duplex, maxLineBytes: number) {
    this.#stream = stream;
    this.#splitter = new LineSplitter(maxLineBytes);
    this.greeted = new Promise((resolve) => (this.#onGreeting = resolve));
    this.ended = new Promise((resolve) => (this.#onEnd = resolve));
    readToTheEnd(stream);
    stream.on('data', (chunk: Buffer) => {
      this.#read(chunk);
    });
    stream.on('end', () => {
      this.#finish({ reason: 'eof' });
    });
    stream.on('close', () => {
      this.#finish({ reason: 'eof' });
    });
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // A QEMU that dies with our bytes unread resets the connection: its side has ended all the same.
      const gone = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      this.#finish({ reason: gone ? 'eof' : 'error', error });
    });
  }

  execute(command: string, args?: QmpObject, options: WaitOptions = {}): Promise<unknown> {
    if (this.#end !== undefined) {
      return Promise.reject(this.#lost(`sending "${command}"`, this.#end));
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const settle: Pending['settle'] = (outcome) => {
        disarm();
        this.#pending.delete(id);
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.value);
      };
      const disarm = armDeadline(
        { timeoutMs: options.timeoutMs ?? DEFAULT_COMMAND_TIMEOUT_MS, signal: options.signal },
        {
          onTimeout: (timeoutMs) => {
            settle({ error: new QmpTimeoutError(command, timeoutMs) });
          },
          onAbort: (reason) => {
            settle({ error: new QmpAbortedError(command, reason) });
          },
        },
      );
      this.#pending.set(id, { command, settle });
      const message =
        args === undefined ? { execute: command, id } : { execute: command, arguments: args, id };
      this.#stream.write(`${JSON.stringify(message)}\r\n`);
    });
  }

  /** Ends the connection from our side, for `error` if one is given. */
  close(error?: Error): void {
    this.#finish(error === undefined ? { reason: 'closed' } : { reason: 'error', error });
  }

  #read(chunk: Buffer): void {
    try {
      for (const line of this.#splitter.push(chunk)) {
        if (this.#end !== undefined) return;
        if (line.trim() !== '') this.#handle(line);
      }
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      this.#finish({ reason: 'error', error });
    }
  }

  #handle(line: string): void {
    const message = parseQmpLine(line);
    switch (message.kind) {
      case 'greeting':
        this.#onGreeting(message.greeting);
        return;
      case 'event':
        if (line.length <= HISTORY_LINE_BYTES) this.history.next(message.event);
        this.events.next(message.event);
        return;
      case 'return':
        this.#pendingOf(message.id)?.settle({ value: message.value });
        return;
      case 'error': {
        // Without an id QEMU could not read what we sent: no reply can be trusted to its command any more.
        if (message.id === undefined) throw new QmpProtocolError(`it complains "${message.desc}"`, line);
        const pending = this.#pendingOf(message.id);
        pending?.settle({ error: new QmpCommandError(pending.command, message.errorClass, message.desc) });
        return;
      }
      case 'unknown':
        return;
    }
  }

  /** Undefined for a reply that came after its command was given up. */
  #pendingOf(id: unknown): Pending | undefined {
    return typeof id === 'number' ? this.#pending.get(id) : undefined;
  }

  #finish(end: QmpEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#stream.destroy();
    for (const pending of [...this.#pending.values()]) {
      pending.settle({ error: this.#lost(`waiting for the answer to "${pending.command}"`, end) });
    }
    this.events.complete();
    this.history.complete();
    this.#onEnd(end);
  }

  #lost(doing: string, end: QmpEnd): Error {
    if (end.error instanceof QmpProtocolError) return end.error;
    const why = { eof: 'QEMU closed it', error: 'it failed', closed: 'we closed it' }[end.reason];
    return new QmpConnectionError(doing, why, end.error);
  }
}
