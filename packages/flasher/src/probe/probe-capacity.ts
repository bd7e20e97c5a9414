import { createHash } from 'node:crypto';
import type { BufferPool } from '@osforge/perf/pools';
import { within } from '../engine/deadline.ts';
import { TargetCapacityError } from '../errors.ts';
import type { TargetIdentity } from '../targets/identity.ts';
import { openTarget } from '../targets/open-target.ts';
import type { TargetHandle } from '../targets/target-handle.ts';

export interface ProbeOptions {
  /** Bytes written at each place; a multiple of 4096, default 64 KiB. */
  readonly sampleBytes?: number | undefined;
  /** For one read, write or flush, in milliseconds; default 30 000. */
  readonly ioTimeoutMs?: number | undefined;
  readonly allowPartition?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a probe found on a good device. */
export interface ProbeReport {
  readonly claimedBytes: number;
  /** Where samples were written and read back right. */
  readonly offsets: readonly number[];
}

const firstDistanceBytes = 1024 * 1024;

/**
 * Whether a device holds as much as it says: patterns are written at its beginning, at exponentially growing distances
 * and at its end, flushed, and read back when all are written. Finds devices that drop what is beyond their memory, and
 * those whose addresses come round at a power of two. What was there is read before and put back after; if this process
 * or the device ends in between, about thirty samples hold patterns. A fake device may lose more: it cannot keep what
 * it has no room for.
 *
 * @throws TargetCapacityError; all that opening a target throws
 */
export async function probeCapacity(
  selected: TargetIdentity,
  options: ProbeOptions = {},
): Promise<ProbeReport> {
  const { sampleBytes = 65_536, ioTimeoutMs = 30_000, allowPartition = false } = options;
  const signal = options.signal ?? new AbortController().signal;
  const limits = { timeoutMs: ioTimeoutMs, signal };
  const handle = await openTarget(selected, { imageSizeBytes: undefined, allowPartition });
  try {
    const sizeBytes = handle.identity.sizeBytes;
    const offsets = sampleOffsets(sizeBytes, sampleBytes);
    const { BufferPool } = await import('@osforge/perf/pools');
    const pool = new BufferPool({ sizeBytes: sampleBytes, count: offsets.length + 2 });
    const scratch = await pool.acquire();
    const io = (what: string, work: Promise<void>): Promise<void> =>
      within(`${what} ${selected.path}`, work, limits);
    const originals = new Map<number, Buffer>();
    for (const offset of offsets) {
      const original = await pool.acquire();
      await io('reading', handle.read(original, offset));
      originals.set(offset, original);
    }
    const seed = crypto.randomUUID();
    try {
      // From the end: what comes round then overwrites a place that has its pattern later, except on a fake device.
      for (const offset of [...offsets].reverse()) {
        fillPattern(scratch, seed, offset);
        await io('writing', handle.write(scratch, offset));
      }
      await io('flushing', handle.sync());
      await io('flushing', handle.beforeReadBack());
      await compare({ handle, offsets, seed, sizeBytes, pool, io });
    } finally {
      await restore(handle, originals, limits.timeoutMs);
    }
    return { claimedBytes: sizeBytes, offsets };
  } finally {
    await handle.close();
  }
}

/** The beginning, 1, 2, 4, … MiB, and the end. */
function sampleOffsets(sizeBytes: number, sampleBytes: number): number[] {
  const last = Math.floor(sizeBytes / sampleBytes) * sampleBytes - sampleBytes;
  const offsets = [0];
  for (let at = firstDistanceBytes; at < last; at *= 2) offsets.push(at);
  return last > 0 ? [...offsets, last] : offsets;
}

interface Comparison {
  readonly handle: TargetHandle;
  readonly offsets: readonly number[];
  readonly seed: string;
  readonly sizeBytes: number;
  readonly pool: BufferPool;
  readonly io: (what: string, work: Promise<void>) => Promise<void>;
}

async function compare({ handle, offsets, seed, sizeBytes, pool, io }: Comparison): Promise<void> {
  const expected = Buffer.alloc(pool.sizeBytes);
  const found = await pool.acquire();
  const wrong: number[] = [];
  for (const offset of offsets) {
    await io('reading', handle.read(found, offset));
    fillPattern(expected, seed, offset);
    if (!found.equals(expected)) wrong.push(offset);
  }
  const [badAtBytes] = wrong;
  if (badAtBytes === undefined) return;
  const { path } = handle.identity;
  const goodUpToBytes =
    offsets.filter((offset) => !wrong.includes(offset) && offset < badAtBytes).at(-1) ?? 0;
  const message = `${path} says that it holds ${sizeBytes} bytes, and does not give back what was written at byte ${badAtBytes}: do not use it`;
  throw new TargetCapacityError(message, { path, claimedBytes: sizeBytes, goodUpToBytes, badAtBytes });
}

/** Also after a failure or an abort, hence without the signal. In the reverse order, the beginning comes last. */
async function restore(
  handle: TargetHandle,
  originals: ReadonlyMap<number, Buffer>,
  timeoutMs: number,
): Promise<void> {
  const limits = { timeoutMs, signal: new AbortController().signal };
  for (const [offset, original] of [...originals].reverse())
    await within(`restoring ${handle.identity.path}`, handle.write(original, offset), limits).catch(
      () => undefined,
    );
  await within(`flushing ${handle.identity.path}`, handle.sync(), limits).catch(() => undefined);
}

/** Bytes that no other place and no other probe has. */
function fillPattern(buffer: Buffer, seed: string, offset: number): void {
  const block = createHash('sha256').update(`${seed} ${offset}`).digest();
  for (let at = 0; at < buffer.length; at += block.length) block.copy(buffer, at);
}
