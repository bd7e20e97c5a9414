import { FlashSourceError, TargetVerifyError, type FlasherError } from '../errors.ts';
import { Journal, journalKey } from '../journal/journal.ts';
import type { TargetIdentity } from '../targets/identity.ts';
import { AdaptiveDepth } from './adaptive-depth.ts';
import type { FlashContext } from './context.ts';
import { abortError, within } from './deadline.ts';
import { InFlight } from './in-flight.ts';
import { chunksPerRange, rangeStretch, type Stretch } from './layout.ts';
import { PrivateReader } from './private-reader.ts';
import { Speed, type TargetProgress, type TargetState } from './progress.ts';
import type { Lease, Member } from './shared-window.ts';
import { TargetIo } from './target-io.ts';

/** What a receipt says of one target. */
export interface TargetWork {
  readonly identity: TargetIdentity;
  readonly readBack: 'none' | 'direct' | 'dropped-cache' | 'memory';
  readonly wroteBytes: number;
  /** Ranges that were there from an earlier run and were read back right. */
  readonly resumedRanges: readonly number[];
  /** Ranges that had to be written a second time. */
  readonly rewrittenRanges: readonly number[];
  /** True if the target could not keep up with the others at some time and read the image for itself. */
  readonly fellBehind: boolean;
  readonly timings: { readonly openMs: number; readonly writeMs: number; readonly finishMs: number };
}

const discardPieceBytes = 1024 * 1024 * 1024;

/** Writes and verifies one target: a cursor of its own over the shared window. */
export class TargetRun {
  readonly id: string;
  readonly depth: AdaptiveDepth;
  readonly #selected: TargetIdentity;
  readonly #context: FlashContext;
  readonly #signal: AbortSignal;
  readonly #changed: () => void;
  readonly #member: Member;
  readonly #private: PrivateReader;
  readonly #speed: Speed;
  #state: TargetState = 'waiting';
  #error: { code: string; message: string } | undefined;
  #doneBytes = 0;
  #verifiedBytes = 0;
  #wroteBytes = 0;
  #fellBehind = false;
  readonly #resumed: number[] = [];
  readonly #rewritten: number[] = [];
  #journal: Journal | undefined;

  constructor(
    id: string,
    selected: TargetIdentity,
    options: { context: FlashContext; signal: AbortSignal; maxDepth: number; changed: () => void },
  ) {
    const { context, signal, maxDepth, changed } = options;
    this.id = id;
    this.#selected = selected;
    this.#context = context;
    this.#signal = signal;
    this.#changed = changed;
    this.depth = new AdaptiveDepth(maxDepth, context.now);
    this.#speed = new Speed(context.now);
    this.#member = context.window.join();
    this.#private = this.#reader(context.readers);
  }

  get progress(): TargetProgress {
    const totalBytes = this.#imageSize();
    const { bytesPerSecond } = this.#speed;
    const leftBytes = totalBytes === undefined ? undefined : totalBytes - this.#doneBytes;
    return {
      id: this.id,
      path: this.#selected.path,
      state: this.#state,
      doneBytes: this.#doneBytes,
      verifiedBytes: this.#verifiedBytes,
      totalBytes,
      bytesPerSecond,
      etaMs:
        leftBytes === undefined || bytesPerSecond === 0
          ? undefined
          : Math.round((1000 * leftBytes) / bytesPerSecond),
      behind: !this.#member.attached,
      queueDepth: this.depth.current,
      error: this.#error,
    };
  }

  /** Resolves when the target is complete and closed; rejects with a FlasherError when it is closed. */
  async run(): Promise<TargetWork> {
    const startedAt = this.#context.now();
    let io: TargetIo | undefined;
    try {
      this.#enter('opening');
      io = await this.#open();
      const openedAt = this.#context.now();
      const known = await this.#openJournal(io);
      await this.#begin(io, known.size > 0);
      await this.#writeRanges(io, known);
      const writtenAt = this.#context.now();
      this.#enter('finishing');
      await this.#finish(io);
      const { identity, readBack } = io.handle;
      if (!(await io.close())) await io.sync(); // fails with the reason
      io = undefined;
      await this.#journal?.remove();
      this.#enter('done');
      return {
        identity,
        readBack: this.#context.settings.verify ? readBack : 'none',
        wroteBytes: this.#wroteBytes,
        resumedRanges: this.#resumed,
        rewrittenRanges: this.#rewritten,
        fellBehind: this.#fellBehind,
        timings: {
          openMs: Math.round(openedAt - startedAt),
          writeMs: Math.round(writtenAt - openedAt),
          finishMs: Math.round(this.#context.now() - writtenAt),
        },
      };
    } catch (error) {
      const reason = this.#signal.aborted ? abortError(this.#signal, this.#selected.path) : error;
      this.#error = describe(reason);
      // What the target holds of the window must not wait for its device.
      this.#context.window.leave(this.#member);
      await io?.close();
      await this.#journal?.close().catch(() => undefined);
      this.#enter(this.#signal.aborted ? 'cancelled' : 'failed');
      throw reason;
    } finally {
      this.#context.window.leave(this.#member);
      await this.#private.close();
    }
  }

  async #open(): Promise<TargetIo> {
    const { source, settings, open } = this.#context;
    const opening = open(this.#selected, {
      imageSizeBytes: source.sizeBytes,
      allowPartition: settings.allowPartition,
    });
    try {
      const limits = { timeoutMs: settings.ioTimeoutMs, signal: this.#signal };
      const handle = await within(`opening ${this.#selected.path}`, opening, limits);
      return new TargetIo(handle, this.#context, this.#signal);
    } catch (error) {
      // If it opens after all, nobody wants it any more.
      opening.then((handle) => handle.close()).catch(() => undefined);
      throw error;
    }
  }

  async #openJournal(io: TargetIo): Promise<ReadonlyMap<number, string>> {
    const folder = this.#context.settings.journalFolder;
    const key = journalKey(io.handle.identity);
    if (folder === undefined || key === undefined) return new Map();
    const { journal, known } = await Journal.open(folder, key, this.#context.layout.rangeBytes);
    this.#journal = journal;
    // What a new file is said to hold is of another one that had its name.
    return io.handle.readsZeros ? new Map() : known;
  }

  /** Makes the target unbootable until it is complete, and gives its old blocks back where nothing is to be kept. */
  async #begin(io: TargetIo, resuming: boolean): Promise<void> {
    const { settings, source, zeros, layout } = this.#context;
    if (io.handle.readsZeros) return;
    const { sizeBytes } = source;
    if (settings.discard && !resuming && sizeBytes !== undefined && io.handle.discard !== undefined) {
      this.#enter('discarding');
      const end = Math.floor(sizeBytes / layout.chunkBytes) * layout.chunkBytes;
      for (let at = 0; at < end; at += discardPieceBytes) {
        // Only to spare the device: what it holds afterwards is read, not believed. So a refusal is no failure.
        const refused = await io
          .discard(at, Math.min(discardPieceBytes, end - at))
          .catch((error: unknown) => error);
        this.#signal.throwIfAborted();
        if (refused !== undefined) break;
      }
    }
    const head = Math.min(layout.chunkBytes, sizeBytes ?? layout.chunkBytes, io.handle.sizeBytes);
    await io.write(zeros.subarray(0, head), 0);
    await io.sync();
  }

  async #writeRanges(io: TargetIo, known: ReadonlyMap<number, string>): Promise<void> {
    this.#enter('writing');
    const { settings, digests } = this.#context;
    let believed = known;
    const verifying = new InFlight();
    for (let range = 0; ; range += 1) {
      const sha256 = believed.get(range);
      if (range > 0 && sha256 !== undefined) {
        this.#enter('resuming');
        if (await this.#isThere(io, range, sha256)) {
          await this.#ranged(range, true);
          continue;
        }
        believed = new Map(); // what else it says is not worth reading
      }
      this.#enter('writing');
      const more = await this.#writeRange(io, range);
      // The range before is read back while this one is written.
      await verifying.below(1);
      if (range > 0 && digests.range(range) !== undefined) {
        verifying.start(
          (async () => {
            if (settings.verify) await this.#verify(io, range);
            await this.#ranged(range, settings.verify);
          })(),
        );
      }
      if (!more) break;
    }
    await verifying.below(1);
  }

  /** False at the end of the image. */
  async #writeRange(io: TargetIo, range: number): Promise<boolean> {
    const count = chunksPerRange(this.#context.layout);
    const writes = new InFlight();
    let more = true;
    for (let index = range * count; index < (range + 1) * count; index += 1) {
      await writes.below(this.#member.attached ? this.depth.current : 1);
      const lease = await this.#take(index);
      if (lease === undefined) {
        more = false;
        break;
      }
      if (index === 0) {
        lease.release(); // written last, by #finish
        continue;
      }
      writes.start(this.#put(io, lease));
    }
    await writes.below(1);
    return more;
  }

  async #put(io: TargetIo, lease: Lease): Promise<void> {
    const { lengthBytes } = lease;
    const { wroteBytes } = await io.put(lease);
    this.depth.completed(lengthBytes);
    this.#wroteBytes += wroteBytes;
    this.#doneBytes += lengthBytes;
    this.#speed.update(this.#doneBytes);
    this.#changed();
  }

  /** The next chunk: from the window as long as this target keeps up, else read for this one alone. */
  async #take(index: number): Promise<Lease | undefined> {
    const { window } = this.#context;
    if (this.#member.attached || window.canTake(index)) {
      const lease = await window.take(this.#member, index, this.#signal);
      if (lease === 'end') return undefined;
      if (lease !== 'behind') {
        await this.#private.close();
        return lease;
      }
    }
    this.#fellBehind = true;
    return await this.#private.take(index);
  }

  /** Whether an earlier run left the right bytes. The window is followed, so that the digest becomes known. */
  async #isThere(io: TargetIo, range: number, sha256: string): Promise<boolean> {
    const { window, layout, digests } = this.#context;
    const count = chunksPerRange(layout);
    for (
      let index = range * count;
      index < (range + 1) * count && digests.range(range) === undefined;
      index += 1
    ) {
      const lease = await window.take(this.#member, index, this.#signal);
      if (typeof lease === 'string') break;
      lease.release();
    }
    const stretch = this.#stretch(range);
    if (digests.range(range) !== sha256 || stretch.lengthBytes <= 0) return false;
    if ((await io.digest(stretch)) !== sha256) return false;
    this.#resumed.push(range);
    this.#doneBytes += stretch.lengthBytes;
    this.#speed.update(this.#doneBytes);
    return true;
  }

  /** A range is written and, if `verified`, was read back. */
  async #ranged(range: number, verified: boolean): Promise<void> {
    const { lengthBytes } = this.#stretch(range);
    if (verified) this.#verifiedBytes += lengthBytes;
    const sha256 = this.#context.digests.range(range);
    if (sha256 !== undefined) await this.#journal?.record(range, sha256);
    this.#changed();
  }

  /** Reads a range back; a bad one is written once more. */
  async #verify(io: TargetIo, range: number): Promise<void> {
    const stretch = this.#stretch(range);
    const expected = this.#context.digests.range(range);
    if (expected === undefined || (await io.digest(stretch)) === expected) return;
    this.#rewritten.push(range);
    await this.#eachChunk(range, async (lease) => {
      this.#wroteBytes += (await io.put(lease)).wroteBytes;
      return true;
    });
    if ((await io.digest(stretch)) !== expected)
      throw await this.#verifyError(io, range, 'also after it was written twice');
  }

  async #verifyError(io: TargetIo, range: number, when: string): Promise<TargetVerifyError> {
    const stretch = this.#stretch(range);
    const { path } = this.#selected;
    const actualSha256 = await io.digest(stretch);
    let offsetBytes = stretch.startBytes;
    await this.#eachChunk(range, async (lease) => {
      const difference = await io.firstDifference(lease).finally(() => {
        lease.release();
      });
      offsetBytes = difference ?? offsetBytes;
      return difference === undefined;
    });
    const message = `${path} gives back something else at byte ${offsetBytes}, ${when}: do not use this device`;
    return new TargetVerifyError(message, {
      path,
      offsetBytes,
      rangeStartBytes: stretch.startBytes,
      rangeLengthBytes: stretch.lengthBytes,
      expectedSha256: this.#context.digests.range(range) ?? '',
      actualSha256,
    });
  }

  /** Reads the chunks of a range again from the image until `work` says false. */
  async #eachChunk(range: number, work: (lease: Lease) => Promise<boolean>): Promise<void> {
    const reader = this.#reader(this.#context.rewrites);
    const count = chunksPerRange(this.#context.layout);
    try {
      for (let index = range * count; index < (range + 1) * count; index += 1) {
        const lease = await reader.take(index);
        if (lease === undefined || !(await work(lease))) break;
      }
    } finally {
      await reader.close();
    }
  }

  /**
   * The end: a device whose writes came round to its beginning is found out, the first chunk makes the target valid, and
   * everything is flushed.
   */
  async #finish(io: TargetIo): Promise<void> {
    const { settings, digests, window, source } = this.#context;
    await window.closed();
    const { first } = window;
    const imageSize = digests.sizeBytes;
    if (first === undefined || imageSize === undefined) return;
    this.#checkImage(source.path);
    await io.sync();
    if (settings.verify) await this.#recheck(io, digests.ranges.length);
    await io.write(first.data.subarray(0, first.lengthBytes), 0);
    this.#wroteBytes += first.lengthBytes;
    this.#doneBytes = imageSize;
    await io.finish(imageSize);
    await io.sync();
    if (settings.verify) {
      await this.#verify(io, 0);
      // If the beginning was overwritten and is right again, what overwrote it may now be wrong.
      if (this.#rewritten.includes(0)) await this.#recheck(io, digests.ranges.length, (range) => range + 1);
      this.#verifiedBytes = imageSize;
    }
    await io.sync();
  }

  #checkImage(path: string): void {
    const { settings, digests } = this.#context;
    if (settings.expectedSha256 === undefined || settings.expectedSha256 === digests.whole) return;
    const message = `the image ${path} has the SHA-256 ${String(digests.whole)} and should have ${settings.expectedSha256}: fetch it again`;
    throw new FlashSourceError(message, { path, reason: 'changed' });
  }

  /** Ranges once more (at exponentially growing distances): they were right when they were written. */
  async #recheck(io: TargetIo, ranges: number, next = (range: number): number => 2 * range): Promise<void> {
    for (let range = 1; range < ranges; range = next(range)) {
      if ((await io.digest(this.#stretch(range))) === this.#context.digests.range(range)) continue;
      throw await this.#verifyError(
        io,
        range,
        'where it was right before: the device is smaller than it says',
      );
    }
  }

  #stretch(range: number): Stretch {
    const size = this.#imageSize() ?? Number.POSITIVE_INFINITY;
    return rangeStretch(this.#context.layout, range, size);
  }

  #imageSize(): number | undefined {
    return this.#context.digests.sizeBytes ?? this.#context.source.sizeBytes;
  }

  #reader(permits: FlashContext['readers']): PrivateReader {
    const { source, layout, pool, zeros, settings } = this.#context;
    const { sourceTimeoutMs: readTimeoutMs } = settings;
    return new PrivateReader({ source, layout, pool, zeros, permits, readTimeoutMs, signal: this.#signal });
  }

  #enter(state: TargetState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#changed();
  }
}

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', message: String(error) };
  // Errors of this package and of the system have a code.
  const { code } = error as Partial<FlasherError>;
  return { code: code ?? 'UNKNOWN', message: error.message };
}
