import { Worker } from 'node:worker_threads';
import { FlashEngineError } from '../errors.ts';
import type { ReadChunk } from './chunk-reader.ts';
import type { DigestReply, DigestRequest, DigestWorkerData } from './digest-worker.ts';
import type { Layout } from './layout.ts';
import { Wake } from './wake.ts';

/** The file lies beside this one, in the sources and in what is built of them. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './digest-worker.ts' : './digest-worker.js',
  import.meta.url,
);

/**
 * SHA-256 of every range of the image, and of all of it, made of its chunks in order by a thread for each of the two: the
 * one that reads and writes would otherwise spend most of its time on them.
 */
export class ImageDigests {
  readonly #file: URL;
  readonly #threads: readonly Worker[];
  readonly #change = new Wake();
  /** By chunk: how many threads still need it, and whom to tell when none does. */
  readonly #hashing = new Map<number, { left: number; readonly hashed: () => void }>();
  readonly #ranges: string[] = [];
  #whole: string | undefined;
  #addedBytes = 0;
  #ended = 0;
  #failure: Error | undefined;

  /**
   * @param whole false saves hashing everything twice; the digest of the whole image is then undefined
   * @param file the program of the threads
   */
  constructor(layout: Layout, whole: boolean, file: URL = workerFile) {
    this.#file = file;
    this.#threads = [
      this.#start({ layout, part: 'ranges' }, (digests) => this.#ranges.push(...digests)),
      ...(whole ? [this.#start({ layout, part: 'whole' }, ([digest]) => (this.#whole = digest))] : []),
    ];
  }

  /** The next chunk. `hashed` is called when its memory may be used again. */
  add({ index, lengthBytes, zero }: ReadChunk, buffer: Buffer, hashed: () => void): void {
    if (this.#failure !== undefined) {
      hashed();
      return;
    }
    this.#addedBytes += lengthBytes;
    this.#hashing.set(index, { left: this.#threads.length, hashed });
    this.#send({ index, lengthBytes, bytes: zero ? undefined : buffer.subarray(0, lengthBytes) });
  }

  /** After the last chunk; resolves when everything is known. */
  async end(): Promise<void> {
    this.#send('end');
    while (this.sizeBytes === undefined) await this.#progress();
  }

  /** Nothing more will come: whoever waits for a digest gets this error. */
  fail(error: Error): void {
    this.#failure ??= error;
    for (const { hashed } of this.#hashing.values()) hashed();
    this.#hashing.clear();
    this.#change.notify();
  }

  /** How many chunks are being hashed or wait for it. */
  get pending(): number {
    return this.#hashing.size;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The digest of a range as soon as all of it was hashed; undefined if the image ends before. */
  async range(range: number): Promise<string | undefined> {
    while (this.#ranges[range] === undefined && this.sizeBytes === undefined) await this.#progress();
    return this.#ranges[range];
  }

  /** Of the ranges that were hashed so far, in order. */
  get ranges(): readonly string[] {
    return this.#ranges;
  }

  /** Of the whole image; undefined before the end, or if it is not wanted. */
  get whole(): string | undefined {
    return this.#whole;
  }

  /** Undefined before the end. */
  get sizeBytes(): number | undefined {
    return this.#ended === this.#threads.length ? this.#addedBytes : undefined;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  async #progress(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#change.wait();
  }

  #start(workerData: DigestWorkerData, take: (digests: readonly string[]) => void): Worker {
    const thread = new Worker(this.#file, {
      workerData,
      execArgv: [],
      env: {},
      // The bytes are outside of its heap.
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 },
    });
    thread.on('message', ({ hashed, digests }: DigestReply) => {
      take(digests);
      if (hashed === undefined) this.#ended += 1;
      else this.#release(hashed);
      if (hashed === undefined || digests.length > 0) this.#change.notify();
    });
    thread.on('error', (cause) => {
      this.fail(new FlashEngineError('a thread that computes digests ended', { lastLines: [] }, { cause }));
    });
    return thread;
  }

  #send(request: DigestRequest): void {
    for (const thread of this.#threads) thread.postMessage(request);
  }

  #release(index: number): void {
    const chunk = this.#hashing.get(index);
    if (chunk === undefined) return; // it failed meanwhile
    chunk.left -= 1;
    if (chunk.left > 0) return;
    this.#hashing.delete(index);
    chunk.hashed();
  }
}
