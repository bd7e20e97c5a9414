import { type Observable, Subject } from 'rxjs';
import { abortError } from '../engine/deadline.ts';
import { checkLayout } from '../engine/check-layout.ts';
import type { TargetProgress } from '../engine/progress.ts';
import { FlashCancelledError, FlashOptionError, type FlasherError } from '../errors.ts';
import { type FlashReceipt, makeReceipt } from '../receipt/receipt.ts';
import type { SourceRequest } from '../source/open-source.ts';
import type { TargetIdentity } from '../targets/identity.ts';
import { startEngineProcess, type EngineProcess } from './engine-process-client.ts';
import type { Report } from './messages.ts';
import { errorFromWire } from './wire-error.ts';

/** How images are written. */
export interface FlashOptions {
  readonly source: SourceRequest;
  /** Read back and compare every range; default true. */
  readonly verify?: boolean | undefined;
  /** Discard the target's blocks before writing, where the device can; default true. */
  readonly discard?: boolean | undefined;
  /** Take partitions too; default false. */
  readonly allowPartition?: boolean | undefined;
  /** For one read, write or flush of a target, in milliseconds; default 60 000. */
  readonly ioTimeoutMs?: number | undefined;
  /** For one read of the image, and for the start, in milliseconds; default 60 000. */
  readonly sourceTimeoutMs?: number | undefined;
  /** Memory of the shared read-ahead, in bytes; default 20 MiB. Grows by a chunk for each target beyond half of them. */
  readonly windowBytes?: number | undefined;
  /** What is read and written as one, in bytes; a multiple of 4096, default 1 MiB. */
  readonly chunkBytes?: number | undefined;
  /** What is verified, journalled and rewritten as one, in bytes; a multiple of chunkBytes, default 16 MiB. */
  readonly rangeBytes?: number | undefined;
  /** Compute SHA-256 of the whole image for the receipts; default true. Always done if `source.sha256` is given. */
  readonly digestWhole?: boolean | undefined;
  /** Where journals are kept, to resume after an unplugged target or a killed process; default: none. */
  readonly journalFolder?: string | undefined;
  /** Cancels all targets. */
  readonly signal?: AbortSignal | undefined;
  /** Wall clock for the receipts. */
  readonly date?: (() => Date) | undefined;
}

/** How one target ended. */
export type FlashResult =
  | { readonly ok: true; readonly id: string; readonly receipt: FlashReceipt }
  | { readonly ok: false; readonly id: string; readonly error: FlasherError };

/** A flash that runs. */
export interface Flash {
  /** Every change of state and, while it writes, each target about five times a second. Completes with the flash. */
  readonly progress$: Observable<TargetProgress>;
  /** Size of the disk in the image; undefined if the compressed file does not say. */
  readonly sizeBytes: number | undefined;
  readonly format: string;
  /**
   * Starts to write to one more target, also while others are half done. Never rejects because of the target.
   *
   * @param selected from {@link inspectTarget} or {@link listTargets}, as it was when it was chosen
   * @param id default: the path
   */
  add(selected: TargetIdentity, id?: string): Promise<FlashResult>;
  /** Ends one target, or all. Their results say FLASHER_CANCELLED. */
  cancel(id?: string): void;
  /** Ends what still runs, and the process behind it. */
  close(): Promise<void>;
}

/**
 * Opens the image and starts the process that writes it. Close the flash when its targets have ended.
 *
 * @throws FlashSourceError, FlashOptionError, FlashTimeoutError, FlashCancelledError, FlashEngineError
 */
export async function startFlash(options: FlashOptions): Promise<Flash> {
  const {
    chunkBytes = 1 << 20,
    rangeBytes = 16 << 20,
    windowBytes = 20 << 20,
    sourceTimeoutMs = 60_000,
  } = options;
  const layout = { chunkBytes, rangeBytes };
  checkLayout(layout, windowBytes);
  const signal = options.signal ?? new AbortController().signal;
  if (signal.aborted) throw abortError(signal);
  const session = new FlashSession(options.date ?? ((): Date => new Date()));
  const engine = await startEngineProcess({
    receive: (report) => {
      session.receive(report);
    },
    ended: (error) => {
      session.fail(error);
    },
    startTimeoutMs: sourceTimeoutMs,
    signal,
  });
  try {
    engine.send({
      type: 'start',
      source: options.source,
      layout,
      windowBytes,
      digestWhole: options.digestWhole ?? true,
      settings: {
        verify: options.verify ?? true,
        discard: options.discard ?? true,
        allowPartition: options.allowPartition ?? false,
        ioTimeoutMs: options.ioTimeoutMs ?? 60_000,
        sourceTimeoutMs,
        journalFolder: options.journalFolder,
        expectedSha256: options.source.sha256?.toLowerCase(),
      },
    });
    return await session.begin(engine, signal);
  } catch (error) {
    await engine.close();
    throw error;
  }
}

interface Waiting {
  readonly resolve: (result: FlashResult) => void;
  readonly startedAt: Date;
}

class FlashSession {
  readonly #progress = new Subject<TargetProgress>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #date: () => Date;
  readonly #started: Promise<Extract<Report, { type: 'started' }>>;
  #resolveStart: (report: Extract<Report, { type: 'started' }>) => void = () => {};
  #rejectStart: (error: Error) => void = () => {};
  #failure: FlasherError | undefined;

  constructor(date: () => Date) {
    this.#date = date;
    this.#started = new Promise((resolve, reject) => {
      this.#resolveStart = resolve;
      this.#rejectStart = reject;
    });
    this.#started.catch(() => undefined); // begin() asks for it
  }

  receive(report: Report): void {
    if (report.type === 'progress') this.#progress.next(report.progress);
    else if (report.type === 'started') this.#resolveStart(report);
    else if (report.type === 'not-started') this.#rejectStart(errorFromWire(report.error));
    else if (report.type === 'failed')
      this.#settle(report.id, (id) => ({ ok: false, id, error: errorFromWire(report.error) }));
    else
      this.#settle(report.id, (id, startedAt) => ({
        ok: true,
        id,
        receipt: makeReceipt(report.work, report.image, startedAt, this.#date()),
      }));
  }

  /** The process is gone: nothing more will come. */
  fail(error: FlasherError): void {
    this.#failure = error;
    this.#rejectStart(error);
    for (const id of [...this.#waiting.keys()]) this.#settle(id, () => ({ ok: false, id, error }));
  }

  async begin(engine: EngineProcess, signal: AbortSignal): Promise<Flash> {
    const cancelled = (): void => {
      engine.send({ type: 'cancel', id: undefined });
      this.#rejectStart(abortError(signal));
    };
    signal.addEventListener('abort', cancelled, { once: true });
    if (signal.aborted) cancelled();
    const { sizeBytes, format } = await this.#started;
    return {
      progress$: this.#progress.asObservable(),
      sizeBytes,
      format,
      add: (selected, id = selected.path) => this.#add(engine, selected, id),
      cancel: (id) => {
        engine.send({ type: 'cancel', id });
      },
      close: async () => {
        signal.removeEventListener('abort', cancelled);
        engine.send({ type: 'cancel', id: undefined });
        await engine.close();
        this.fail(new FlashCancelledError('the flash was closed', { path: undefined }));
        this.#progress.complete();
      },
    };
  }

  #add(engine: EngineProcess, selected: TargetIdentity, id: string): Promise<FlashResult> {
    if (this.#failure !== undefined) return Promise.resolve({ ok: false, id, error: this.#failure });
    if (this.#waiting.has(id))
      throw new FlashOptionError(`two targets are called ${id}: give each its own`, { option: 'id' });
    return new Promise((resolve) => {
      this.#waiting.set(id, { resolve, startedAt: this.#date() });
      engine.send({ type: 'add', id, selected });
    });
  }

  #settle(id: string, make: (id: string, startedAt: Date) => FlashResult): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting !== undefined) waiting.resolve(make(id, waiting.startedAt));
  }
}
