import { stat } from 'node:fs/promises';
import type { FileIdentity } from './record.ts';

export interface FileState {
  readonly isFile: boolean;
  readonly sizeBytes: number;
  readonly identity: FileIdentity;
  readonly ctimeMs: number;
}

/** What the file system says of a file (symbolic links are followed), or `undefined` where it is absent. */
export async function readFileState(path: string): Promise<FileState | undefined> {
  try {
    const found = await stat(path, { bigint: true });
    return {
      isFile: found.isFile(),
      sizeBytes: Number(found.size),
      identity: {
        mtimeNs: String(found.mtimeNs),
        ctimeNs: String(found.ctimeNs),
        inode: String(found.ino),
      },
      ctimeMs: Number(found.ctimeNs / 1_000_000n),
    };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

export function sameIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return a.ctimeNs !== '0' && a.ctimeNs === b.ctimeNs && a.mtimeNs === b.mtimeNs && a.inode === b.inode;
}

/** An identity that equals none: the file will be hashed. */
export function withoutProof(identity: FileIdentity): FileIdentity {
  return { ...identity, ctimeNs: '0' };
}
