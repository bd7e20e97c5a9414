import {
  compressionIds,
  digestBytes,
  type FfuPlan,
  imageHeaderBytes,
  imageSignature,
  descriptorBytes,
  platformIdBytes,
  securityHeaderBytes,
  securitySignature,
  sha256AlgorithmId,
} from './layout.ts';

export function encodeSecurityHeader(plan: FfuPlan): Uint8Array {
  const bytes = Buffer.alloc(securityHeaderBytes);
  bytes.writeUInt32LE(securityHeaderBytes, 0);
  bytes.write(securitySignature, 4, 'latin1');
  bytes.writeUInt32LE(plan.blockBytes / 1024, 16);
  bytes.writeUInt32LE(sha256AlgorithmId, 20);
  bytes.writeUInt32LE(plan.catalogBytes, 24);
  bytes.writeUInt32LE(plan.hashTableBytes, 28);
  return bytes;
}

/** The header and the manifest behind it. */
export function encodeImageHeader(plan: FfuPlan, manifest: Uint8Array): Uint8Array {
  const header = Buffer.alloc(imageHeaderBytes);
  header.writeUInt32LE(imageHeaderBytes, 0);
  header.write(imageSignature, 4, 'latin1');
  header.writeUInt32LE(manifest.length, 16);
  header.writeUInt32LE(plan.blockBytes / 1024, 20);
  return Buffer.concat([header, manifest]);
}

/** A full flash of one store; no validation, and the whole payload counts as final. */
export function encodeStoreHeader(plan: FfuPlan, platformIds: readonly string[]): Uint8Array {
  const bytes = Buffer.alloc(plan.storeHeaderBytes);
  const compressed = plan.kind === 'v1-compressed';
  bytes.writeUInt16LE(1, 4);
  bytes.writeUInt16LE(compressed ? 3 : 2, 8);
  bytes.write(platformIds.join('\0'), 12, platformIdBytes - 1, 'latin1');
  bytes.writeUInt32LE(plan.blockBytes, 204);
  bytes.writeUInt32LE(plan.storedBlocks, 208);
  bytes.writeUInt32LE(plan.storedBlocks * descriptorBytes(plan.kind), 212);
  bytes.writeUInt32LE(plan.storedBlocks, 244);
  if (compressed) bytes.writeUInt32LE(compressionIds.xpress, 248);
  return bytes;
}

/** Writes one descriptor: one location from the disk's start, one block. `dataBytes` counts in compressed files only. */
export function encodeDescriptor(
  target: Buffer,
  at: number,
  kind: 'v1' | 'v1-compressed',
  diskBlock: number,
  dataBytes: number,
): void {
  target.writeUInt32LE(1, at);
  target.writeUInt32LE(1, at + 4);
  let location = at + 8;
  if (kind === 'v1-compressed') {
    target.writeUInt32LE(dataBytes, location);
    location += 4;
  }
  target.writeUInt32LE(0, location);
  target.writeUInt32LE(diskBlock, location + 4);
}

/** Sizes are 32 bits: the most blocks that a file with one store can describe. */
export function maxStoredBlocks(kind: 'v1' | 'v1-compressed'): number {
  return Math.floor(0xffff_ffff / Math.max(descriptorBytes(kind), digestBytes)) - 100_000;
}
