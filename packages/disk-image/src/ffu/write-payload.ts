import { type FileHandle } from 'node:fs/promises';
import type { BlockReader } from '../block/reader.ts';
import { writeAll } from '../block/write-all.ts';
import { encodeDescriptor } from './encode-headers.ts';
import { descriptorBytes, digestBytes, type FfuPlan } from './layout.ts';
import { sha256 } from './load-block.ts';
import type { PackPool, PackSlot } from './pack-pool.ts';
import type { BlockRun } from './scan-blocks.ts';

/** How much of the payload is in the file. */
export interface PayloadState {
  readonly blocks: number;
  readonly payloadBytes: number;
}

export interface WritePayloadOptions {
  readonly reader: BlockReader;
  readonly file: FileHandle;
  readonly plan: FfuPlan & { readonly kind: 'v1' | 'v1-compressed' };
  /** What is not written yet, in order; in compressed files one block at a time. */
  readonly runs: AsyncIterable<BlockRun>;
  readonly from: PayloadState;
  /** Compresses; undefined for a file that is not compressed. */
  readonly pool: PackPool | undefined;
  /** Runs that are read and hashed at a time, and as many again that are written. */
  readonly inFlight: number;
  readonly runBlocks: number;
  /** Blocks between two checkpoints. */
  readonly checkpointBlocks: number;
  /** Called when everything up to there is on the disk; the next call waits for it. */
  readonly onCheckpoint: (state: PayloadState) => Promise<void>;
  readonly onProgress: (blocks: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A run that was read and hashed: what goes into the file. */
interface Prepared {
  readonly run: BlockRun;
  readonly digests: readonly Uint8Array[];
  readonly data: Uint8Array;
  /** Gives the memory back. */
  release(): void;
}

/**
 * Reads, hashes, perhaps compresses and writes the blocks: several runs at a time, put into the file in their order. Digests
 * and descriptors go straight to their places in the file, so that memory does not grow with the disk.
 */
export async function writePayload(options: WritePayloadOptions): Promise<PayloadState> {
  const { file, plan, signal } = options;
  const prepare = options.pool === undefined ? prepareRuns(options) : prepareBlocks(options, options.pool);
  const tables = pendingTables(file, plan, options.from.blocks);
  let { blocks, payloadBytes } = options.from;
  const queue: Promise<Prepared>[] = [];
  const writes = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  let checkpoint: Promise<void> = Promise.resolve();

  const settleWrites = async (): Promise<void> => {
    await Promise.all(writes);
    throwIfFailed();
  };
  const throwIfFailed = (): void => {
    if (failure !== undefined) throw failure.error;
  };
  const write = (prepared: Prepared, position: number): void => {
    const done = writeAll(file, prepared.data, position)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => {
        writes.delete(done);
        prepared.release();
      });
    writes.add(done);
  };
  const takeNext = async (): Promise<void> => {
    const prepared = await queue.shift();
    if (prepared === undefined) return;
    throwIfFailed();
    const { run, digests, data } = prepared;
    tables.add(run, digests, data.length);
    write(prepared, plan.payloadOffset + payloadBytes);
    blocks += run.count;
    payloadBytes += data.length;
    options.onProgress(blocks);
    if (tables.count() < options.checkpointBlocks) return;
    await settleWrites();
    await tables.write();
    await checkpoint;
    const state = { blocks, payloadBytes };
    // The next blocks need not wait until the device has these.
    checkpoint = file.datasync().then(() => options.onCheckpoint(state));
    checkpoint.catch(() => undefined);
  };

  try {
    for await (const run of options.runs) {
      signal?.throwIfAborted();
      while (queue.length >= options.inFlight) await takeNext();
      while (writes.size >= options.inFlight) await Promise.race(writes);
      const prepared = prepare(run);
      prepared.catch(() => undefined);
      queue.push(prepared);
    }
    while (queue.length > 0) {
      signal?.throwIfAborted();
      await takeNext();
    }
    await settleWrites();
    await tables.write();
    await checkpoint;
    await file.datasync();
    await options.onCheckpoint({ blocks, payloadBytes });
    return { blocks, payloadBytes };
  } finally {
    // Nothing may be under way when the files are closed.
    await Promise.allSettled([...queue, ...writes, checkpoint]);
  }
}

/** Several neighbouring blocks by one read and one write. */
function prepareRuns({ reader, plan, runBlocks }: WritePayloadOptions): (run: BlockRun) => Promise<Prepared> {
  const { blockBytes } = plan;
  const free: Uint8Array[] = [];
  return async (run) => {
    const memory = free.pop() ?? new Uint8Array(runBlocks * blockBytes);
    const data = memory.subarray(0, run.count * blockBytes);
    await readInto(reader, run.diskBlock * blockBytes, data);
    const digests: Uint8Array[] = [];
    for (let at = 0; at < data.length; at += blockBytes)
      digests.push(sha256(data.subarray(at, at + blockBytes)));
    return { run, digests, data, release: () => free.push(memory) };
  };
}

/** One block at a time, hashed and compressed by the pool. */
function prepareBlocks(
  { reader, plan }: WritePayloadOptions,
  pool: PackPool,
): (run: BlockRun) => Promise<Prepared> {
  const { blockBytes } = plan;
  const free: PackSlot[] = [];
  return async (run) => {
    const slot = free.pop() ?? { block: new Uint8Array(blockBytes), packed: new Uint8Array(blockBytes) };
    await readInto(reader, run.diskBlock * blockBytes, slot.block);
    const { block, packed, digest, packedBytes } = await pool.pack(slot);
    return {
      run,
      digests: [digest],
      data: packedBytes < 0 ? block : packed.subarray(0, packedBytes),
      release: () => free.push({ block, packed }),
    };
  };
}

async function readInto(reader: BlockReader, offset: number, target: Uint8Array): Promise<void> {
  if (reader.readInto === undefined) target.set(await reader.read(offset, target.length));
  else await reader.readInto(offset, target);
}

/** Digests and descriptors since the last checkpoint, and their places in the file. */
function pendingTables(
  file: FileHandle,
  plan: WritePayloadOptions['plan'],
  firstBlock: number,
): {
  add(run: BlockRun, digests: readonly Uint8Array[], dataBytes: number): void;
  count(): number;
  write(): Promise<void>;
} {
  const entryBytes = descriptorBytes(plan.kind);
  let first = firstBlock;
  let digestList: Uint8Array[] = [];
  let disk: { block: number; dataBytes: number }[] = [];
  return {
    add(run, digests, dataBytes) {
      digests.forEach((digest, index) => {
        digestList.push(digest);
        disk.push({ block: run.diskBlock + index, dataBytes });
      });
    },
    count: () => disk.length,
    async write() {
      const descriptors = Buffer.alloc(disk.length * entryBytes);
      disk.forEach(({ block, dataBytes }, index) => {
        encodeDescriptor(descriptors, index * entryBytes, plan.kind, block, dataBytes);
      });
      await writeAll(file, descriptors, plan.descriptorsOffset + entryBytes * first);
      await writeAll(
        file,
        Buffer.concat(digestList),
        plan.hashTableOffset + digestBytes * (plan.headerDigests + first),
      );
      first += disk.length;
      digestList = [];
      disk = [];
    },
  };
}
