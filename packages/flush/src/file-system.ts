import { lstat, open, readdir, realpath, rename, stat, statfs, unlink } from 'node:fs/promises';
import type { Dirent, Stats } from 'node:fs';

/** The part of an open file that this package uses; `node:fs/promises` handles fit. */
export interface OpenFile {
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ bytesRead: number }>;
  write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ bytesWritten: number }>;
  stat(): Promise<Stats>;
  chmod(mode: number): Promise<void>;
  chown(uid: number, gid: number): Promise<void>;
  sync(): Promise<void>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** The seam to the file system. Tests force faults with it; everything else uses {@link nodeFileSystem}. */
export interface FileSystem {
  open(path: string, flags: number, mode?: number): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  lstat(path: string): Promise<Stats>;
  stat(path: string): Promise<Stats>;
  statfs(path: string): Promise<{ type: number }>;
  realpath(path: string): Promise<string>;
  readdir(path: string): Promise<Dirent[]>;
}

/** The real file system of this process. */
export const nodeFileSystem: FileSystem = {
  open: (path, flags, mode) => open(path, flags, mode),
  rename: (from, to) => rename(from, to),
  unlink: (path) => unlink(path),
  lstat: (path) => lstat(path),
  stat: (path) => stat(path),
  statfs: (path) => statfs(path),
  realpath: (path) => realpath(path),
  readdir: (path) => readdir(path, { withFileTypes: true }),
};
