import { createHash } from 'node:crypto';
import { type FileHandle } from 'node:fs/promises';
import { writeAll } from '../block/write-all.ts';
import { ImageBoundsError } from '../errors.ts';
import { catalogBytes, encodeCatalog } from './encode-catalog.ts';
import { encodeImageHeader, encodeSecurityHeader, encodeStoreHeader } from './encode-headers.ts';
import { type FfuPlan, securityHeaderBytes } from './layout.ts';
import { sha256 } from './load-block.ts';

export interface FinishOptions {
  readonly file: FileHandle;
  readonly plan: FfuPlan;
  readonly manifest: Uint8Array;
  readonly platformIds: readonly string[];
  readonly payloadBytes: number;
  readonly createdAt: Date;
}

const pieceBytes = 1024 * 1024;

/**
 * Writes everything in front of a complete payload, the security header last and behind a sync: without it the file is no
 * FFU. May be done again after it was broken off. Returns the SHA-256 of the hash table, which stands for the whole file.
 */
export async function finishFile(options: FinishOptions): Promise<string> {
  const { file, plan } = options;
  await file.truncate(plan.payloadOffset + options.payloadBytes);
  await writeAll(file, encodeImageHeader(plan, options.manifest), plan.imageHeaderOffset);
  await writeAll(file, encodeStoreHeader(plan, options.platformIds), plan.storeHeaderOffset);

  const chunk = new Uint8Array(plan.blockBytes);
  const digests: Uint8Array[] = [];
  for (let at = plan.imageHeaderOffset; at < plan.payloadOffset; at += chunk.length) {
    await readAll(file, chunk, at);
    digests.push(sha256(chunk));
  }
  await writeAll(file, Buffer.concat(digests), plan.hashTableOffset);

  const sha1 = createHash('sha1');
  const full = createHash('sha256');
  const piece = new Uint8Array(pieceBytes);
  for (let done = 0; done < plan.hashTableBytes; done += pieceBytes) {
    const part = piece.subarray(0, Math.min(pieceBytes, plan.hashTableBytes - done));
    await readAll(file, part, plan.hashTableOffset + done);
    sha1.update(part);
    full.update(part);
  }
  const digest = full.digest();
  const catalog = encodeCatalog({
    hashTableSha1: sha1.digest(),
    listId: digest.subarray(0, 16 + plan.catalogBytes - catalogBytes),
    createdAt: options.createdAt,
  });
  await writeAll(file, catalog, securityHeaderBytes);
  await file.datasync();
  await writeAll(file, encodeSecurityHeader(plan), 0);
  return digest.toString('hex');
}

/** All of `target`; the file is known to be that long. */
async function readAll(file: FileHandle, target: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < target.length;) {
    const { bytesRead } = await file.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) throw new ImageBoundsError(position + done, target.length - done, position + done);
    done += bytesRead;
  }
}
