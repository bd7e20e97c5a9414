import { BufferPool } from '@osforge/perf/pools';
import { FlashCancelledError, FlashOptionError, type FlasherError } from '../errors.ts';
import type { ImageSource } from '../source/source.ts';
import type { TargetIdentity } from '../targets/identity.ts';
import type { FlashContext, WriteSettings } from './context.ts';
import { ImageDigests } from './image-digests.ts';
import type { Layout } from './layout.ts';
import { type TargetProgress, Throttle } from './progress.ts';
import { Semaphore } from './semaphore.ts';
import { SharedWindow } from './shared-window.ts';
import { TargetRun, type TargetWork } from './target-run.ts';

export interface EngineOptions {
  readonly source: ImageSource;
  readonly open: FlashContext['open'];
  readonly settings: WriteSettings;
  readonly layout: Layout;
  /** Memory of the shared read-ahead; at least two ranges' worth is useful. */
  readonly windowBytes: number;
  /** False saves hashing the image a second time, as a whole. */
  readonly digestWhole: boolean;
  readonly onProgress: (progress: TargetProgress) => void;
  /** Clock in milliseconds. */
  readonly now: () => number;
}

/** What is known of the image when all of it was read. */
export interface ImageFacts {
  readonly path: string;
  readonly format: string;
  readonly sizeBytes: number;
  /** Undefined if it was not wanted. */
  readonly sha256: string | undefined;
  readonly rangeBytes: number;
  readonly rangeSha256: readonly string[];
}

export type EngineOutcome =
  | { readonly ok: true; readonly work: TargetWork; readonly image: ImageFacts }
  | { readonly ok: false; readonly error: unknown };

/** Targets at once; the pool of buffers and the threads are made for so many. */
const maxTargets = 64;
/** For each: two to read back, one to read the image alone, one to look for zeros; and a deep queue of one of them. */
const laneBuffers = 4 * maxTargets + 16;
const deepestQueue = 8;

/** One image on many targets. Runs in any process; the number of its threads decides how many devices can be waited for. */
export class FlashEngine {
  readonly #options: EngineOptions;
  readonly #context: FlashContext;
  readonly #cancel = new AbortController();
  readonly #runs = new Map<
    string,
    { run: TargetRun; cancel: AbortController; ended: Promise<EngineOutcome> }
  >();
  readonly #active = new Set<string>();

  constructor(options: EngineOptions) {
    this.#options = options;
    const { source, layout, settings, windowBytes, digestWhole, open, now } = options;
    const slots = Math.floor(windowBytes / layout.chunkBytes);
    const pool = new BufferPool({
      sizeBytes: layout.chunkBytes,
      count: slots + maxTargets,
      shared: true,
    });
    const lanes = new BufferPool({ sizeBytes: layout.chunkBytes, count: laneBuffers });
    const zeros = new BufferPool({ sizeBytes: layout.chunkBytes, count: 1 }).tryAcquire() ?? Buffer.alloc(0);
    const digests = new ImageDigests(layout, digestWhole || settings.expectedSha256 !== undefined);
    const window = new SharedWindow({
      source,
      layout,
      pool,
      slots,
      zeros,
      digests,
      // To read again costs nothing but I/O from a file; a decompressor has to begin at the beginning.
      patienceMs: source.randomAccess ? 50 : 1000,
      readTimeoutMs: settings.sourceTimeoutMs,
      signal: this.#cancel.signal,
      now,
    });
    const readers = new Semaphore(Math.min(source.maxReaders, maxTargets));
    const rewrites = new Semaphore(1);
    this.#context = {
      source,
      layout,
      window,
      digests,
      zeros,
      pool: lanes,
      readers,
      rewrites,
      settings,
      open,
      now,
    };
  }

  /** @throws FlashOptionError if the id is taken or there are too many */
  add(id: string, selected: TargetIdentity): Promise<EngineOutcome> {
    if (this.#runs.has(id)) throw new FlashOptionError(`two targets are called ${id}`, { option: 'id' });
    if (this.#active.size >= maxTargets)
      throw new FlashOptionError(`more than ${maxTargets} targets at once`, { option: 'targets' });
    const cancel = new AbortController();
    const throttle = new Throttle(this.#options.now);
    let state = '';
    const changed = (): void => {
      const { progress } = run;
      if (progress.state === state && !throttle.due()) return;
      state = progress.state;
      this.#options.onProgress(progress);
    };
    this.#active.add(id);
    const run: TargetRun = new TargetRun(id, selected, {
      context: this.#context,
      signal: AbortSignal.any([this.#cancel.signal, cancel.signal]),
      maxDepth: this.#share(),
      changed: () => {
        changed();
      },
    });
    for (const one of this.#runs.values()) one.run.depth.max = this.#share();
    const ended = this.#outcome(run).finally(() => {
      this.#active.delete(id);
      for (const one of this.#runs.values()) one.run.depth.max = this.#share();
    });
    this.#runs.set(id, { run, cancel, ended });
    return ended;
  }

  /** Ends one target, or all. */
  cancel(id?: string): void {
    const path = id === undefined ? undefined : this.#runs.get(id)?.run.progress.path;
    const reason: FlasherError = new FlashCancelledError('the flash was cancelled', { path });
    if (id === undefined) this.#cancel.abort(reason);
    else this.#runs.get(id)?.cancel.abort(reason);
  }

  /** Stops reading the image, waits for what is under way, and closes the image. */
  async close(): Promise<void> {
    this.cancel();
    await Promise.allSettled([...this.#runs.values()].map(({ ended }) => ended));
    const { window, digests, source } = this.#context;
    await window.closed();
    await digests.close();
    await source.close();
  }

  /** Half of the window may be held by writes under way, so that devices that hang never stop the others. */
  #share(): number {
    const slots = Math.floor(this.#options.windowBytes / this.#options.layout.chunkBytes);
    return Math.min(deepestQueue, Math.max(1, Math.floor(slots / 2 / Math.max(1, this.#active.size))));
  }

  async #outcome(run: TargetRun): Promise<EngineOutcome> {
    const { source, layout, digests } = this.#context;
    try {
      const work = await run.run();
      const image = {
        path: source.path,
        format: source.format,
        sizeBytes: digests.sizeBytes ?? 0,
        sha256: digests.whole,
        rangeBytes: layout.rangeBytes,
        rangeSha256: digests.ranges,
      };
      return { ok: true, work, image };
    } catch (error) {
      return { ok: false, error };
    }
  }
}
