import type { TargetIdentity } from '@osforge/flasher';
import type { WriteSettings } from '../src/engine/context.ts';
import type { TargetHandle } from '../src/targets/target-handle.ts';

/** As startFlash has them by default, without a journal. */
export const defaultSettings: WriteSettings = {
  verify: true,
  discard: true,
  allowPartition: false,
  ioTimeoutMs: 60_000,
  sourceTimeoutMs: 60_000,
  journalFolder: undefined,
  expectedSha256: undefined,
};

/** A target in memory, as a plain object. `gate` holds every write back until it resolves. */
export function memoryTarget(
  path: string,
  sizeBytes: number,
  gate: Promise<void> = Promise.resolve(),
): TargetHandle & { readonly bytes: Buffer } {
  const bytes = Buffer.alloc(sizeBytes, 'old');
  return {
    bytes,
    identity: memoryIdentity(path, sizeBytes),
    sizeBytes,
    blockBytes: 512,
    readsZeros: false,
    readBack: 'memory',
    async write(buffer, offset) {
      await gate;
      if (offset + buffer.length > sizeBytes) throw new Error('beyond the end');
      buffer.copy(bytes, offset);
    },
    read(buffer, offset) {
      if (offset + buffer.length > sizeBytes) return Promise.reject(new Error('beyond the end'));
      bytes.copy(buffer, 0, offset);
      return Promise.resolve();
    },
    sync: () => Promise.resolve(),
    beforeReadBack: () => Promise.resolve(),
    finish: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

export function memoryIdentity(path: string, sizeBytes: number): TargetIdentity {
  return {
    path,
    kind: 'disk',
    sizeBytes,
    deviceNumber: undefined,
    diskSequence: undefined,
    serial: path,
    vendor: undefined,
    model: undefined,
    backingFile: undefined,
    inode: undefined,
  };
}
