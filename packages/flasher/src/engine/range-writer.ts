import type { AdaptiveDepth } from './adaptive-depth.ts';
import { InFlight } from './in-flight.ts';
import { chunksPerRange } from './layout.ts';
import type { PrivateReader } from './private-reader.ts';
import type { RangeVerifier } from './range-verifier.ts';
import type { Lease, Member } from './shared-window.ts';
import { privateReader, stretchOf, type TargetParts } from './target-parts.ts';

/** Writes the image to one target, all but its first chunk, and has each range verified while the next is written. */
export class RangeWriter {
  readonly #parts: TargetParts;
  readonly #verifier: RangeVerifier;
  readonly #member: Member;
  readonly #depth: AdaptiveDepth;
  readonly #private: PrivateReader;
  readonly #resumed: number[] = [];
  #fellBehind = false;

  constructor(parts: TargetParts, verifier: RangeVerifier, member: Member, depth: AdaptiveDepth) {
    this.#parts = parts;
    this.#verifier = verifier;
    this.#member = member;
    this.#depth = depth;
    this.#private = privateReader(parts.context, parts.context.readers, parts.signal);
  }

  /** Ranges that were there from an earlier run and were read back right. */
  get resumed(): readonly number[] {
    return this.#resumed;
  }

  /** True if the target could not keep up with the others at some time and read the image for itself. */
  get fellBehind(): boolean {
    return this.#fellBehind;
  }

  /** The ranges that the journal knows of are read, until one is not there; all others are written. */
  async write(): Promise<void> {
    const { status, journal } = this.#parts;
    const verifying = new InFlight();
    for (let range = 0; ; range += 1) {
      const sha256 = journal?.known.get(range);
      if (range > 0 && sha256 !== undefined) {
        status.enter('resuming');
        if (await this.#isThere(range, sha256)) {
          await this.#ranged(range, true);
          continue;
        }
        journal?.forgetFrom(range);
      }
      status.enter('writing');
      const more = await this.#writeRange(range);
      // The range before is read back while this one is written.
      await verifying.below(1);
      if (range > 0) verifying.start(this.#check(range));
      if (!more) break;
    }
    await verifying.below(1);
  }

  /** Ends what it reads for itself. */
  async close(): Promise<void> {
    await this.#private.close();
  }

  /** False at the end of the image. */
  async #writeRange(range: number): Promise<boolean> {
    const count = chunksPerRange(this.#parts.context.layout);
    const writes = new InFlight();
    let more = true;
    for (let index = range * count; index < (range + 1) * count; index += 1) {
      await writes.below(this.#member.attached ? this.#depth.current : 1);
      const lease = await this.#take(index);
      if (lease === undefined) {
        more = false;
        break;
      }
      if (index === 0) {
        lease.release(); // written last, when all the rest is right
        continue;
      }
      writes.start(this.#put(lease));
    }
    await writes.below(1);
    return more;
  }

  async #put(lease: Lease): Promise<void> {
    const { lengthBytes } = lease;
    const { wroteBytes } = await this.#parts.io.put(lease);
    this.#depth.completed(lengthBytes);
    this.#parts.status.done(lengthBytes, wroteBytes);
  }

  /** The next chunk: from the window as long as this target keeps up, else read for this one alone. */
  async #take(index: number): Promise<Lease | undefined> {
    const { context, signal } = this.#parts;
    const { window } = context;
    if (this.#member.attached || window.canTake(index)) {
      const lease = await window.take(this.#member, index, signal);
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
  async #isThere(range: number, sha256: string): Promise<boolean> {
    const { io, context, signal, status } = this.#parts;
    const { window, layout, digests } = context;
    const count = chunksPerRange(layout);
    for (let index = range * count; index < (range + 1) * count; index += 1) {
      if (digests.ranges[range] !== undefined) break;
      const lease = await window.take(this.#member, index, signal);
      if (typeof lease === 'string') break;
      lease.release();
    }
    if ((await digests.range(range)) !== sha256) return false;
    const stretch = stretchOf(context, range);
    if ((await io.digest(stretch)) !== sha256) return false;
    this.#resumed.push(range);
    status.done(stretch.lengthBytes, 0);
    return true;
  }

  async #check(range: number): Promise<void> {
    const { context } = this.#parts;
    if ((await context.digests.range(range)) === undefined) return; // the image ended before
    const { verify } = context.settings;
    if (verify) await this.#verifier.verify(range);
    await this.#ranged(range, verify);
  }

  /** A range is written and, if `verified`, was read back. */
  async #ranged(range: number, verified: boolean): Promise<void> {
    const { context, status, journal } = this.#parts;
    if (verified) status.verified(stretchOf(context, range).lengthBytes);
    const sha256 = context.digests.ranges[range];
    if (sha256 !== undefined) await journal?.record(range, sha256);
  }
}
