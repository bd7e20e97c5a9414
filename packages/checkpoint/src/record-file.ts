import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { FlushNoSpaceError, nodeFileSystem, removeStaleTemps, writeFileDurable } from '@osforge/flush';
import type { FileSystem } from '@osforge/flush';
import { CheckpointIoError, CheckpointNoSpaceError } from './errors.ts';
import { recordFileSystem } from './record-file-system.ts';

/** The text of a record, or `undefined` where there is none. */
export async function readRecordText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new CheckpointIoError(path, 'read', { cause: error });
  }
}

/** Replaces the record durably: afterwards the disk has all of the new one, on failure all of the old one. */
export async function writeRecordText(path: string, text: string, fs: FileSystem | undefined): Promise<void> {
  try {
    // A record names paths and commands of a build that mostly runs as root: not for everybody's eyes.
    await writeFileDurable(path, text, { fs: fs ?? recordFileSystem, mode: 0o600 });
  } catch (error) {
    if (error instanceof FlushNoSpaceError) throw new CheckpointNoSpaceError(path, { cause: error });
    throw new CheckpointIoError(path, 'write', { cause: error });
  }
}

/**
 * Removes what a killed writer of this record left behind. Only under the lock of the build: then nobody else
 * writes this record, so every temporary file of it is a dead one, also that of another container.
 */
export async function removeStaleRecordTemps(directory: string, path: string): Promise<void> {
  const prefix = `.${basename(path)}.`;
  const fs: FileSystem = {
    ...nodeFileSystem,
    readdir: async (folder) =>
      (await nodeFileSystem.readdir(folder)).filter((entry) => entry.name.startsWith(prefix)),
  };
  try {
    await removeStaleTemps(directory, { fs, isAlive: () => false });
  } catch (error) {
    throw new CheckpointIoError(directory, 'write', { cause: error });
  }
}
