import { TargetVerifyError } from '../errors.ts';
import { chunksPerRange } from './layout.ts';
import type { Lease } from './shared-window.ts';
import { privateReader, stretchOf, type TargetParts } from './target-parts.ts';

/** Reads ranges of one target back. */
export class RangeVerifier {
  readonly #parts: TargetParts;
  readonly #rewritten: number[] = [];

  constructor(parts: TargetParts) {
    this.#parts = parts;
  }

  /** Ranges that had to be written a second time. */
  get rewritten(): readonly number[] {
    return this.#rewritten;
  }

  /**
   * A bad range is written once more.
   *
   * @throws TargetVerifyError if it is bad then too
   */
  async verify(range: number): Promise<void> {
    const { io, context, status } = this.#parts;
    const stretch = stretchOf(context, range);
    const expected = await context.digests.range(range);
    if (expected === undefined || (await io.digest(stretch)) === expected) return;
    this.#rewritten.push(range);
    await this.#eachChunk(range, async (lease) => {
      status.done(0, (await io.put(lease)).wroteBytes);
      return true;
    });
    if ((await io.digest(stretch)) !== expected)
      throw await this.#error(range, 'also after it was written twice');
  }

  /**
   * Ranges once more, at exponentially growing distances by default: they were right when they were written.
   *
   * @throws TargetVerifyError
   */
  async recheck(next = (range: number): number => 2 * range): Promise<void> {
    const { io, context } = this.#parts;
    const { ranges } = context.digests;
    for (let range = 1; range < ranges.length; range = next(range)) {
      if ((await io.digest(stretchOf(context, range))) === ranges[range]) continue;
      throw await this.#error(range, 'where it was right before: the device is smaller than it says');
    }
  }

  async #error(range: number, when: string): Promise<TargetVerifyError> {
    const { io, context, path } = this.#parts;
    const stretch = stretchOf(context, range);
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
      expectedSha256: context.digests.ranges[range] ?? '',
      actualSha256,
    });
  }

  /** Reads the chunks of a range again from the image until `work` says false. */
  async #eachChunk(range: number, work: (lease: Lease) => Promise<boolean>): Promise<void> {
    const { context, signal } = this.#parts;
    const reader = privateReader(context, context.rewrites, signal);
    const count = chunksPerRange(context.layout);
    try {
      for (let index = range * count; index < (range + 1) * count; index += 1) {
        const lease = await reader.take(index);
        if (lease === undefined || !(await work(lease))) break;
      }
    } finally {
      await reader.close();
    }
  }
}
