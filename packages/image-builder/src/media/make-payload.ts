import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { writeFile } from 'node:fs/promises';
import { diskPieces, readGpt, usedStretches, type BlockReader } from '@osforge/disk-image';
import { BuildConsistencyError } from '../errors.ts';
import { planParts, tableBytes, type PlannedPart } from './plan-parts.ts';

const compress = promisify(zstdCompress);
/** As of `raw.zst`; higher ones take minutes for a few percent. */
const compressionLevel = 3;

/** A part of the payload, as `parts.tsv` has it. */
export interface PayloadPart extends PlannedPart {
  /** Name of its file: one zstd frame. */
  readonly file: string;
  /** Of the bytes for the disk, in hex. */
  readonly sha256: string;
  readonly fileBytes: number;
  /** Of the file. */
  readonly fileSha256: string;
}

export interface Payload {
  /** In the order of the disk. */
  readonly parts: readonly PayloadPart[];
  /** Of all files. */
  readonly fileBytes: number;
}

export interface PayloadRequest {
  /** The finished disk; it stays open. */
  readonly disk: BlockReader;
  /** SHA-256 that the whole disk was captured with. */
  readonly contentSha256: string;
  /** A folder, which is there, for the files. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Called with 0 … 1. */
  readonly onProgress: (fraction: number) => void;
  /** Parts that are compressed at once, each of which takes some 32 MiB; default: one a processor, at most 4. */
  readonly parallel?: number;
}

/**
 * Reads a disk once and packs what has to be written of it. Equal disks give equal files.
 * @throws BuildConsistencyError where the disk is not what was captured, or its partitions leave no room for the table
 */
export async function makePayload(request: PayloadRequest): Promise<Payload> {
  const { disk, folder, signal, onProgress } = request;
  const { parallel = Math.max(1, Math.min(4, availableParallelism())) } = request;
  const planned = await plan(disk);
  const hash = createHash('sha256');
  const made: PayloadPart[] = [];
  const running = new Set<Promise<void>>();
  let next = 0;
  let open: { part: PlannedPart; index: number; bytes: Buffer } | undefined;
  try {
    for await (const piece of diskPieces(disk, signal)) {
      hash.update(piece.bytes);
      const pieceEnd = piece.at + piece.bytes.length;
      for (;;) {
        const part: PlannedPart | undefined = open?.part ?? planned[next];
        if (part === undefined || part.offset >= pieceEnd) break;
        open ??= { part, index: next++, bytes: Buffer.alloc(part.length) };
        const partEnd = part.offset + part.length;
        const from = Math.max(part.offset, piece.at);
        const to = Math.min(partEnd, pieceEnd);
        // What was allocated is zero already.
        if (!piece.hole && to > from)
          piece.bytes.copy(open.bytes, from - part.offset, from - piece.at, to - piece.at);
        if (partEnd > pieceEnd) break;
        const { index, bytes } = open;
        open = undefined;
        while (running.size >= parallel) await Promise.race(running);
        const packing = pack({ part, index, bytes, folder }).then((packed) => {
          made[index] = packed;
          running.delete(packing);
        });
        // Told where it is waited for.
        packing.catch(() => undefined);
        running.add(packing);
      }
      onProgress(pieceEnd / disk.sizeBytes);
    }
    await Promise.all(running);
  } finally {
    // Nothing writes to the folder any more when this has ended.
    await Promise.allSettled(running);
  }
  const found = hash.digest('hex');
  if (found !== request.contentSha256) {
    throw new BuildConsistencyError(
      `the disk has the digest ${found} and was captured with ${request.contentSha256}: nothing is made from it; run again with --fresh`,
    );
  }
  return { parts: made, fileBytes: made.reduce((sum, { fileBytes }) => sum + fileBytes, 0) };
}

async function plan(disk: BlockReader): Promise<PlannedPart[]> {
  const { partitions } = await readGpt(disk);
  const starts = partitions.map(({ startBytes }) => startBytes);
  if (partitions.length === 0 || Math.min(...starts) < tableBytes)
    throw new BuildConsistencyError('the disk has no partitions behind its first MiB');
  const endBytes = Math.max(...partitions.map(({ startBytes, sizeBytes }) => startBytes + sizeBytes));
  return planParts(await usedStretches(disk), endBytes);
}

async function pack({
  part,
  index,
  bytes,
  folder,
}: {
  part: PlannedPart;
  index: number;
  bytes: Buffer;
  folder: string;
}): Promise<PayloadPart> {
  const file = `${String(index).padStart(4, '0')}.zst`;
  const packed = await compress(bytes, {
    // In the frame's header, so that a reader knows how much memory it needs.
    pledgedSrcSize: bytes.length,
    params: { [constants.ZSTD_c_compressionLevel]: compressionLevel, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  await writeFile(path.join(folder, file), packed);
  return {
    ...part,
    file,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    fileBytes: packed.length,
    fileSha256: createHash('sha256').update(packed).digest('hex'),
  };
}

/** `parts.tsv`: file, kind, offset, length, digest, and the file's length and digest, a line a part. Pure. */
export function formatParts(parts: readonly PayloadPart[]): string {
  return parts
    .map(({ file, kind, offset, length, sha256, fileBytes, fileSha256 }) =>
      [file, kind, offset, length, sha256, fileBytes, fileSha256].join('\t'),
    )
    .map((line) => `${line}\n`)
    .join('');
}
