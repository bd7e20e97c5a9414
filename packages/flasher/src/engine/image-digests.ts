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
 * SHA-256 of every range of the image, and of all of it, made of its chunks in order by a thread of its own: the thread
 * that reads and writes would otherwise spend most of its time on them.
 */
export class ImageDigests {
  readonly #thread: Worker;
  readonly #change = new Wake();
  readonly #hashing = new Map<number, () => void>();
  readonly #ranges: string[] = [];
  #whole: string | undefined;
  #sizeBytes: number | undefined;
  #failure: Error | undefined;

  /** @param whole false saves hashing everything twice; the digest of the whole image is then undefined */
  constructor(layout: Layout, whole: boolean) {
    const workerData: DigestWorkerData = { layout, whole };
    this.#thread = new Worker(workerFile, {
      workerData,
      execArgv: [],
      env: {},
      // The bytes are outside of its heap.
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 },
    });
    this.#thread.on('message', (reply: DigestReply) => {
      this.#receive(reply);
    });
    this.#thread.on('error', (cause) => {
      this.fail(new FlashEngineError('the thread that computes digests ended', { lastLines: [] }, { cause }));
    });
  }

  /** The next chunk. `hashed` is called when its memory may be used again. */
  add({ index, lengthBytes, zero }: ReadChunk, buffer: Buffer, hashed: () => void): void {
    if (this.#failure !== undefined) {
      hashed();
      return;
    }
    this.#hashing.set(index, hashed);
    this.#send({ index, lengthBytes, bytes: zero ? undefined : buffer.subarray(0, lengthBytes) });
  }

  /** After the last chunk; resolves when everything is known. */
  async end(): Promise<void> {
    this.#send('end');
    while (this.#sizeBytes === undefined) await this.#progress();
  }

  /** Nothing more will come: whoever waits for a digest gets this error. */
  fail(error: Error): void {
    this.#failure ??= error;
    for (const hashed of this.#hashing.values()) hashed();
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
    while (this.#ranges[range] === undefined && this.#sizeBytes === undefined) await this.#progress();
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
    return this.#sizeBytes;
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }

  async #progress(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#change.wait();
  }

  #send(request: DigestRequest): void {
    this.#thread.postMessage(request);
  }

  #receive({ hashed, ranges, sizeBytes, whole }: DigestReply): void {
    this.#ranges.push(...ranges);
    this.#sizeBytes = sizeBytes;
    this.#whole = whole;
    if (hashed !== undefined) {
      this.#hashing.get(hashed)?.();
      this.#hashing.delete(hashed);
    }
    if (ranges.length > 0 || sizeBytes !== undefined) this.#change.notify();
  }
}
