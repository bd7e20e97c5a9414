import { FlashSourceError } from '../errors.ts';
import { Journal, journalKey } from '../journal/journal.ts';
import type { TargetIdentity } from '../targets/identity.ts';
import { AdaptiveDepth } from './adaptive-depth.ts';
import type { FlashContext } from './context.ts';
import { abortError, within } from './deadline.ts';
import type { TargetProgress } from './progress.ts';
import { RangeVerifier } from './range-verifier.ts';
import { RangeWriter } from './range-writer.ts';
import type { Member } from './shared-window.ts';
import { TargetIo } from './target-io.ts';
import { imageSize, stretchOf, type TargetParts } from './target-parts.ts';
import { TargetStatus } from './target-status.ts';

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

/** Writes and verifies one target, from its opening to its close: a cursor of its own over the shared window. */
export class TargetRun {
  readonly depth: AdaptiveDepth;
  readonly #selected: TargetIdentity;
  readonly #context: FlashContext;
  readonly #signal: AbortSignal;
  readonly #member: Member;
  readonly #status: TargetStatus;

  constructor(
    id: string,
    selected: TargetIdentity,
    options: { context: FlashContext; signal: AbortSignal; maxDepth: number; changed: () => void },
  ) {
    const { context, signal, maxDepth, changed } = options;
    const { now } = context;
    this.#selected = selected;
    this.#context = context;
    this.#signal = signal;
    this.depth = new AdaptiveDepth(maxDepth, now);
    this.#member = context.window.join();
    this.#status = new TargetStatus({
      id,
      path: selected.path,
      depth: this.depth,
      member: this.#member,
      imageSize: () => imageSize(context),
      now,
      changed,
    });
  }

  get progress(): TargetProgress {
    return this.#status.progress;
  }

  /** Resolves when the target is complete and closed; rejects with a FlasherError when it is closed. */
  async run(): Promise<TargetWork> {
    const { now, settings } = this.#context;
    const startedAt = now();
    let io: TargetIo | undefined;
    let journal: Journal | undefined;
    let writer: RangeWriter | undefined;
    try {
      this.#status.enter('opening');
      io = await this.#open();
      const openedAt = now();
      journal = await this.#openJournal(io);
      await this.#begin(io, journal !== undefined && journal.known.size > 0);
      const parts = this.#parts(io, journal);
      const verifier = new RangeVerifier(parts);
      writer = new RangeWriter(parts, verifier, this.#member, this.depth);
      await writer.write();
      const writtenAt = now();
      this.#status.enter('finishing');
      await this.#finish(io, verifier);
      const { identity, readBack } = io.handle;
      if (!(await io.close())) await io.sync(); // fails with the reason
      io = undefined;
      await journal?.remove();
      this.#status.enter('done');
      return {
        identity,
        readBack: settings.verify ? readBack : 'none',
        wroteBytes: this.#status.wroteBytes,
        resumedRanges: writer.resumed,
        rewrittenRanges: verifier.rewritten,
        fellBehind: writer.fellBehind,
        timings: {
          openMs: Math.round(openedAt - startedAt),
          writeMs: Math.round(writtenAt - openedAt),
          finishMs: Math.round(now() - writtenAt),
        },
      };
    } catch (error) {
      const { aborted } = this.#signal;
      const reason = aborted ? abortError(this.#signal, this.#selected.path) : error;
      // What the target holds of the window must not wait for its device.
      this.#context.window.leave(this.#member);
      await io?.close();
      await journal?.close().catch(() => undefined);
      this.#status.failed(aborted ? 'cancelled' : 'failed', reason);
      throw reason;
    } finally {
      this.#context.window.leave(this.#member);
      await writer?.close();
    }
  }

  #parts(io: TargetIo, journal: Journal | undefined): TargetParts {
    const { path } = this.#selected;
    return { path, io, context: this.#context, status: this.#status, journal, signal: this.#signal };
  }

  async #open(): Promise<TargetIo> {
    const { source, settings, open } = this.#context;
    const opening = open(this.#selected, {
      imageSizeBytes: source.sizeBytes,
      imageSectorBytes: source.sectorBytes,
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

  /** The journal of this target, if it is to have one, with the digests of the ranges that earlier runs left. */
  async #openJournal(io: TargetIo): Promise<Journal | undefined> {
    const folder = this.#context.settings.journalFolder;
    const key = journalKey(io.handle.identity);
    if (folder === undefined || key === undefined) return undefined;
    const journal = await Journal.open(folder, key, this.#context.layout.rangeBytes);
    // What a new file is said to hold is of another one that had its name.
    if (io.handle.readsZeros) journal.forgetFrom(0);
    return journal;
  }

  /** Makes the target unbootable until it is complete, and gives its old blocks back where nothing is to be kept. */
  async #begin(io: TargetIo, resuming: boolean): Promise<void> {
    const { settings, source, zeros, layout } = this.#context;
    if (io.handle.readsZeros) return;
    const { sizeBytes } = source;
    if (settings.discard && !resuming && sizeBytes !== undefined && io.handle.discard !== undefined) {
      this.#status.enter('discarding');
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

  /**
   * The end: a device whose writes came round to its beginning is found out, the first chunk makes the target valid, and
   * everything is flushed.
   */
  async #finish(io: TargetIo, verifier: RangeVerifier): Promise<void> {
    const { settings, digests, window, source } = this.#context;
    await window.closed();
    if (digests.failure !== undefined) throw digests.failure;
    const { first } = window;
    const { sizeBytes } = digests;
    if (first === undefined || sizeBytes === undefined) return;
    this.#checkImage(source.path);
    await io.sync();
    if (settings.verify) await verifier.recheck();
    await io.write(first.data.subarray(0, first.lengthBytes), 0);
    this.#status.done(first.lengthBytes, first.lengthBytes);
    await io.finish(sizeBytes);
    await io.sync();
    if (settings.verify) {
      await verifier.verify(0);
      // If the beginning was overwritten and is right again, what overwrote it may now be wrong.
      if (verifier.rewritten.includes(0)) await verifier.recheck((range) => range + 1);
      this.#status.verified(stretchOf(this.#context, 0).lengthBytes);
    }
    await io.sync();
  }

  #checkImage(path: string): void {
    const { settings, digests } = this.#context;
    if (settings.expectedSha256 === undefined || settings.expectedSha256 === digests.whole) return;
    const message = `the image ${path} has the SHA-256 ${String(digests.whole)} and should have ${settings.expectedSha256}: fetch it again`;
    throw new FlashSourceError(message, { path, reason: 'changed' });
  }
}
