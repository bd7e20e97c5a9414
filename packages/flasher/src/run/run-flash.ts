import { join } from 'node:path';
import { type Observable, ReplaySubject } from 'rxjs';
import { abortError } from '../engine/deadline.ts';
import type { TargetProgress } from '../engine/progress.ts';
import { FlashCancelledError, FlashEngineError, FlasherError, ReceiptError } from '../errors.ts';
import { type Flash, type FlashOptions, startFlash } from '../host/start-flash.ts';
import { checkImage } from '../plan/check-image.ts';
import type { FlashPlan } from '../plan/plan-flash.ts';
import type { PlannedTarget } from '../plan/plan-targets.ts';
import { probeCapacity } from '../probe/probe-capacity.ts';
import type { FlashReceipt } from '../receipt/receipt.ts';
import { receiptNames } from '../receipt/receipt-names.ts';
import { type ReceiptKey, writeReceipt } from '../receipt/write-receipt.ts';
import type { FlashEvent, FlashEvents } from './flash-events.ts';

export interface RunFlashOptions extends Pick<
  FlashOptions,
  'verify' | 'discard' | 'allowPartition' | 'journalFolder' | 'signal' | 'date' | 'rangeBytes' | 'ioTimeoutMs'
> {
  /** Look first whether each device holds as much as it says; default false. It writes samples. */
  readonly probe?: boolean | undefined;
  readonly receipts?: ReceiptOptions | undefined;
}

export interface ReceiptOptions {
  /** There already. */
  readonly folder: string;
  /** The name of a target's receipt; default: by receiptNames of the plan's targets. */
  readonly nameOf?: ((id: string) => string) | undefined;
  /** Its kind decides which signature there will be. */
  readonly privateKey?: ReceiptKey | undefined;
}

/** How one target of a run ended. */
export type TargetOutcome =
  | {
      readonly ok: true;
      readonly id: string;
      readonly receipt: FlashReceipt;
      /** Undefined if receipts were not wanted. */
      readonly receiptPath: string | undefined;
    }
  | { readonly ok: false; readonly id: string; readonly error: FlasherError };

export interface FlashRunResult {
  readonly outcome: 'completed' | 'failed' | 'cancelled';
  /** In the order of the plan. */
  readonly targets: readonly TargetOutcome[];
  readonly durationMs: number;
  /** What ended all of them: the image, or the process that writes. Undefined where each ended by itself. */
  readonly error: FlasherError | undefined;
}

export interface FlashRun {
  /** What happens, to late subscribers its last 1024 events too; completes at the end, before `result` resolves. */
  readonly events$: Observable<FlashEvent>;
  /** Never rejects. */
  readonly result: Promise<FlashRunResult>;
}

/**
 * Carries out a plan: compares the image with its checksums, probes, writes all targets at once, and keeps their
 * receipts, telling of it as events. Targets with problems are not looked at again: leave them out of the plan.
 */
export function runFlash(plan: FlashPlan, options: RunFlashOptions = {}): FlashRun {
  const events = new ReplaySubject<FlashEvent>(replayedEvents);
  const tell: Tell = (type, data) => {
    // The pair comes from one generic call, so the type belongs to the data; TypeScript cannot follow that into the union.
    events.next({ type, data } as FlashEvent);
  };
  return {
    events$: events.asObservable(),
    result: new Run(plan, options, tell).execute().finally(() => {
      events.complete();
    }),
  };
}

const replayedEvents = 1024;

type Tell = <T extends keyof FlashEvents>(type: T, data: FlashEvents[T]) => void;

class Run {
  readonly #plan: FlashPlan;
  readonly #options: RunFlashOptions;
  readonly #tell: Tell;
  readonly #signal: AbortSignal;
  readonly #receiptNames: readonly string[];
  readonly #ended = new Set<string>();

  constructor(plan: FlashPlan, options: RunFlashOptions, tell: Tell) {
    this.#plan = plan;
    this.#options = options;
    this.#tell = tell;
    this.#signal = options.signal ?? new AbortController().signal;
    this.#receiptNames = receiptNames(plan.targets.map(({ id }) => id));
  }

  async execute(): Promise<FlashRunResult> {
    const startedAt = performance.now();
    this.#tellStart();
    let error: FlasherError | undefined;
    let targets: readonly TargetOutcome[];
    try {
      targets = await this.#flash();
    } catch (reason) {
      error = this.#reason(reason);
      targets = this.#plan.targets.map((target) => this.#failed(target, this.#reason(reason)));
    }
    return this.#conclude(targets, error, Math.round(performance.now() - startedAt));
  }

  async #flash(): Promise<TargetOutcome[]> {
    const signal = this.#signal;
    signal.throwIfAborted();
    const source = await checkImage(this.#plan.image, {
      signal,
      onProgress: throttled((doneBytes, totalBytes) => {
        this.#tell('flash.checking', { doneBytes, totalBytes });
      }),
    });
    const flash = await startFlash({ ...this.#options, signal, source });
    const subscription = flash.progress$.subscribe({
      next: (progress) => {
        this.#progress(progress);
      },
    });
    try {
      return await Promise.all(
        this.#plan.targets.map((target, index) =>
          this.#target(flash, target, this.#receiptNames[index] ?? 'target.receipt.json'),
        ),
      );
    } finally {
      await flash.close();
      subscription.unsubscribe();
    }
  }

  async #target(flash: Flash, target: PlannedTarget, receiptName: string): Promise<TargetOutcome> {
    const { id, info } = target;
    if (this.#options.probe === true && info.identity.kind !== 'file') {
      this.#tellProbe(target);
      try {
        const { allowPartition, ioTimeoutMs } = this.#options;
        await probeCapacity(info.identity, { allowPartition, ioTimeoutMs, signal: this.#signal });
      } catch (error) {
        return this.#failed(target, this.#reason(error));
      }
    }
    const result = await flash.add(info.identity, id);
    if (!result.ok) return this.#failed(target, result.error);
    const { receipts } = this.#options;
    const { receipt } = result;
    if (receipts === undefined) return this.#completed(target, receipt, undefined);
    const receiptPath = join(receipts.folder, receipts.nameOf?.(id) ?? receiptName);
    try {
      await writeReceipt(receiptPath, receipt, receipts.privateKey);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `${id} is complete, but its receipt ${receiptPath} could not be kept: ${reason}`;
      return this.#failed(target, new ReceiptError(message, { reason: 'write' }, { cause: error }));
    }
    return this.#completed(target, receipt, receiptPath);
  }

  #tellStart(): void {
    const { image, targets } = this.#plan;
    this.#tell('flash.started', {
      image: image.source.path,
      format: image.format,
      ...(image.sizeBytes === undefined ? {} : { sizeBytes: image.sizeBytes }),
      targets: targets.map(({ id, info, confirmation }) => ({
        target: id,
        path: info.identity.path,
        description: confirmation.description,
      })),
    });
  }

  #tellProbe({ id, info }: PlannedTarget): void {
    this.#tell('flash.target', {
      target: id,
      path: info.identity.path,
      state: 'probing',
      doneBytes: 0,
      verifiedBytes: 0,
      bytesPerSecond: 0,
      behind: false,
      queueDepth: 1,
    });
  }

  #progress(progress: TargetProgress): void {
    // How it ended is told by the two events below, with the receipt or the error.
    if (this.#ended.has(progress.id) || progress.state === 'failed' || progress.state === 'cancelled') return;
    const { id, path, state, doneBytes, verifiedBytes, totalBytes, etaMs } = progress;
    const { bytesPerSecond, behind, queueDepth } = progress;
    this.#tell('flash.target', {
      ...{ target: id, path, state, doneBytes, verifiedBytes, bytesPerSecond, behind, queueDepth },
      ...(totalBytes === undefined ? {} : { totalBytes }),
      ...(etaMs === undefined ? {} : { etaMs }),
    });
  }

  #completed(
    { id, info }: PlannedTarget,
    receipt: FlashReceipt,
    receiptPath: string | undefined,
  ): TargetOutcome {
    this.#ended.add(id);
    const { image, verification, timings, wroteBytes } = receipt;
    const { rangeBytes, resumedRanges } = verification;
    const resumedBytes = resumedRanges.reduce(
      (sum, range) => sum + Math.min(rangeBytes, image.sizeBytes - range * rangeBytes),
      0,
    );
    this.#tell('flash.target-completed', {
      target: id,
      path: info.identity.path,
      sizeBytes: image.sizeBytes,
      wroteBytes,
      resumedBytes,
      readBack: verification.readBack,
      ...(image.sha256 === undefined ? {} : { sha256: image.sha256 }),
      durationMs: timings.openMs + timings.writeMs + timings.finishMs,
      ...(receiptPath === undefined ? {} : { receipt: receiptPath }),
    });
    return { ok: true, id, receipt, receiptPath };
  }

  #failed({ id, info }: PlannedTarget, error: FlasherError): TargetOutcome {
    this.#ended.add(id);
    const offset = 'offsetBytes' in error.fields ? error.fields.offsetBytes : undefined;
    this.#tell('flash.target-failed', {
      target: id,
      path: info.identity.path,
      state: error instanceof FlashCancelledError ? 'cancelled' : 'failed',
      code: error.code,
      message: error.message,
      ...(typeof offset === 'number' ? { offsetBytes: offset } : {}),
    });
    return { ok: false, id, error };
  }

  /** Whatever fails after a cancel failed because of it. */
  #reason(error: unknown): FlasherError {
    return asFlasherError(this.#signal.aborted ? abortError(this.#signal) : error);
  }

  #conclude(
    targets: readonly TargetOutcome[],
    error: FlasherError | undefined,
    durationMs: number,
  ): FlashRunResult {
    const failures = targets.filter((target) => !target.ok);
    const complete = targets.length - failures.length;
    const [first] = failures;
    if (first === undefined) {
      this.#tell('flash.completed', { complete, durationMs });
      return { outcome: 'completed', targets, durationMs, error };
    }
    if (this.#signal.aborted) {
      this.#tell('flash.cancelled', { complete, durationMs });
      return { outcome: 'cancelled', targets, durationMs, error };
    }
    const { message, code } = error ?? first.error;
    this.#tell('flash.failed', {
      complete,
      failed: failures.length,
      durationMs,
      message,
      code,
    });
    return { outcome: 'failed', targets, durationMs, error };
  }
}

function asFlasherError(error: unknown): FlasherError {
  // The type parameter of an error that is at hand cannot be known.
  if (error instanceof FlasherError) return error as FlasherError;
  const message = error instanceof Error ? error.message : String(error);
  return new FlashEngineError(`the flash could not go on: ${message}`, { lastLines: [] }, { cause: error });
}

/** At most five times a second, and at the end. */
function throttled(
  tell: (doneBytes: number, totalBytes: number) => void,
): (doneBytes: number, totalBytes: number) => void {
  let next = 0;
  return (doneBytes, totalBytes) => {
    const now = performance.now();
    if (now < next && doneBytes < totalBytes) return;
    next = now + 200;
    tell(doneBytes, totalBytes);
  };
}
