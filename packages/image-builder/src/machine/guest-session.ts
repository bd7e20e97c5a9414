import type { VmEndEvidence } from '@osforge/vm-events';
import type { Observable, Subscription } from 'rxjs';
import { parseGuestLine, type GuestLine } from './guest-protocol.ts';
import { timedWait, type VmWait } from './vm-wait.ts';

/** The part of a machine that a session needs. */
export interface SessionMachine {
  readonly channel: { readonly lines$: Observable<string>; send(line: string): Promise<void> };
  readonly ended: Promise<VmEndEvidence>;
  /** Frees what the guest says in its own words (not the words of the protocol) of secrets. Default: leaves it. */
  readonly mask?: (text: string) => string;
  /** Told of each wait when it has ended. */
  readonly onWait?: (wait: VmWait) => void;
}

/** How one command ended. */
export type CommandEnd =
  | { readonly kind: 'ok' }
  | { readonly kind: 'failed'; readonly text: string }
  /** The machine ended, or the channel closed, before the guest answered. */
  | { readonly kind: 'machine-ended'; readonly evidence: VmEndEvidence }
  | { readonly kind: 'timeout'; readonly timeoutMs: number };

/** Options of one wait. */
export interface CommandOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onLine?: (line: GuestLine) => void;
  /** The deadline starts anew with each line that this accepts; default: never. */
  readonly restartsDeadline?: (line: GuestLine) => boolean;
}

/** Talks to the agent in the build machine: one command at a time, each with a deadline and an abort signal. */
export class GuestSession {
  readonly #machine: SessionMachine;

  constructor(machine: SessionMachine) {
    this.#machine = machine;
  }

  /** Resolves when the agent has said that the system is up. */
  async ready(options: CommandOptions): Promise<CommandEnd> {
    return this.#timed('boot', (line) => (line.kind === 'ready' ? { kind: 'ok' } : undefined), options);
  }

  /** Sends `command argument` and waits for its end. Subscribes before it sends. */
  async command(command: string, argument: string, options: CommandOptions): Promise<CommandEnd> {
    const answer = (line: GuestLine): CommandEnd | undefined => {
      if (line.kind === 'ok' && line.command === command) return { kind: 'ok' };
      if (line.kind === 'failed' && line.command === command) return { kind: 'failed', text: line.text };
      return undefined;
    };
    const end = this.#timed(command, answer, options);
    // A send that fails means that the machine is gone; `end` says so with the evidence.
    this.#machine.channel.send(argument === '' ? command : `${command} ${argument}`).catch(() => undefined);
    return end;
  }

  #timed(
    what: string,
    match: (line: GuestLine) => CommandEnd | undefined,
    options: CommandOptions,
  ): Promise<CommandEnd> {
    const { onWait } = this.#machine;
    const wait = (): Promise<CommandEnd> => this.#wait(match, options);
    return onWait === undefined ? wait() : timedWait(what, onWait, wait, ({ kind }) => kind);
  }

  #masked(line: GuestLine): GuestLine {
    const { mask } = this.#machine;
    return mask === undefined || !('text' in line) ? line : { ...line, text: mask(line.text) };
  }

  async #wait(
    match: (line: GuestLine) => CommandEnd | undefined,
    options: CommandOptions,
  ): Promise<CommandEnd> {
    const { signal, timeoutMs } = options;
    signal.throwIfAborted();
    let subscription: Subscription | undefined;
    let timer: NodeJS.Timeout | undefined;
    let onAbort: (() => void) | undefined;
    let answered = false;
    try {
      return await new Promise<CommandEnd>((resolve, reject) => {
        onAbort = () => {
          reject(signal.reason instanceof Error ? signal.reason : new Error('cancelled'));
        };
        signal.addEventListener('abort', onAbort, { once: true });
        const startDeadline = (): void => {
          clearTimeout(timer);
          timer = setTimeout(() => {
            resolve({ kind: 'timeout', timeoutMs });
          }, timeoutMs);
        };
        startDeadline();
        subscription = this.#machine.channel.lines$.subscribe({
          next: (text) => {
            // What comes behind the answer belongs to the next command.
            if (answered) return;
            const line = this.#masked(parseGuestLine(text));
            options.onLine?.(line);
            if (options.restartsDeadline?.(line)) startDeadline();
            const end = match(line);
            if (!end) return;
            answered = true;
            resolve(end);
          },
        });
        this.#machine.ended.then((evidence) => {
          resolve({ kind: 'machine-ended', evidence });
        }, reject);
      });
    } finally {
      clearTimeout(timer);
      subscription?.unsubscribe();
      if (onAbort) signal.removeEventListener('abort', onAbort);
    }
  }
}
