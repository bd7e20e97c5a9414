import { watch } from 'node:fs';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProgramMissingError, start, type RunningProcess } from '@osforge/process';
import { type BlockReader, type Extent, openRaw } from '../block/reader.ts';
import { NbdError } from '../errors.ts';
import { openFfu } from '../ffu/open-ffu.ts';
import type { ImageFormat } from './convert.ts';
import { extents } from './info.ts';
import { connectNbd } from './nbd-client.ts';

/** What can be opened for reading. */
export type ReadableFormat = ImageFormat | 'ffu';

export interface OpenImageOptions {
  /** Until the server is ready, in milliseconds; default 30 s. */
  readonly timeoutMs?: number;
  /** For one read, in milliseconds; default one minute. */
  readonly requestTimeoutMs?: number;
  /**
   * Where the private folder of the socket is made; it stays there if we are killed. Its path must be short (a socket
   * has 107 bytes for all of it). Default: the system's temporary folder.
   */
  readonly temporaryDirectory?: string;
  /** Cancels the opening, not later reads. */
  readonly signal?: AbortSignal;
}

/**
 * Opens the disk inside an image, read only: raw and ffu directly, other formats (with their backing chains) through a `qemu-nbd`
 * of our own on a UNIX socket in a private folder, which ends with this process. Nothing is unpacked to disk.
 * @throws NbdError (the image is damaged, missing, or locked by a machine), ProgramMissingError (qemu-utils); for ffu
 * FfuFormatError, FfuUnsupportedError, FfuLimitError
 */
export async function openImage(
  path: string,
  format: ReadableFormat = 'raw',
  options: OpenImageOptions = {},
): Promise<BlockReader> {
  if (format === 'ffu') return openFfu(path, options.signal === undefined ? {} : { signal: options.signal });
  if (format === 'raw') {
    const reader = await openRaw(path);
    return { ...reader, extents: () => rawExtents(path, reader.sizeBytes, options) };
  }
  const folder = await mkdtemp(join(options.temporaryDirectory ?? tmpdir(), 'osforge-nbd-'));
  let server: RunningProcess | undefined;
  const dispose = async (): Promise<void> => {
    await server?.killTree();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const socket = join(folder, 'socket');
    const pidFile = join(folder, 'pid');
    const lines: string[] = [];
    const ready = appears(folder, 'pid');
    try {
      server = start('qemu-nbd', [
        '--read-only',
        `--format=${format}`,
        '--persistent',
        '--shared=1',
        `--socket=${socket}`,
        `--pid-file=${pidFile}`,
        path,
      ]);
      server.lines$.subscribe({ next: ({ line }) => lines.push(line) });
      await whenReady({ server, ready: ready.done, path, lines }, options);
    } finally {
      ready.stop();
    }
    const reader = await connectNbd(
      socket,
      options.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: options.requestTimeoutMs },
    );
    return {
      ...reader,
      async close() {
        await reader.close();
        await dispose();
      },
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Resolves when the file that qemu-nbd writes once it listens is there: seen by an event, not by polling. */
function appears(folder: string, name: string): { done: Promise<void>; stop: () => void } {
  const watcher = watch(folder);
  const done = new Promise<void>((resolve, reject) => {
    watcher.on('change', () => {
      access(join(folder, name)).then(resolve, () => undefined);
    });
    watcher.on('error', reject);
  });
  done.catch(() => undefined);
  return {
    done,
    stop: () => {
      watcher.close();
    },
  };
}

interface Start {
  readonly server: RunningProcess;
  readonly ready: Promise<void>;
  readonly path: string;
  readonly lines: readonly string[];
}

async function whenReady({ server, ready, path, lines }: Start, options: OpenImageOptions): Promise<void> {
  const { timeoutMs = 30_000, signal } = options;
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  const failed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new NbdError(`qemu-nbd did not listen within ${timeoutMs} ms`));
    }, timeoutMs);
    abort = () => {
      reject(
        signal?.reason instanceof Error ? signal.reason : new NbdError('opening the image was cancelled'),
      );
    };
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    server.closed.then(() => {
      reject(new NbdError(`qemu-nbd cannot open ${path}: ${lines.join(' ')}`));
    }, reject);
  });
  failed.catch(() => undefined);
  try {
    await Promise.race([ready, failed]);
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal?.removeEventListener('abort', abort);
  }
}

/** Node cannot ask for holes (SEEK_HOLE); qemu-img can. Without it everything counts as data, which is only slower. */
async function rawExtents(
  path: string,
  sizeBytes: number,
  { signal }: OpenImageOptions,
): Promise<readonly Extent[]> {
  if (sizeBytes === 0) return [];
  try {
    const found = await extents(path, 'raw', signal === undefined ? {} : { signal });
    // qemu-img rounds an odd size up to whole sectors.
    return found
      .filter(({ startBytes }) => startBytes < sizeBytes)
      .map((extent) => ({
        ...extent,
        lengthBytes: Math.min(extent.lengthBytes, sizeBytes - extent.startBytes),
      }));
  } catch (error) {
    if (!(error instanceof ProgramMissingError)) throw error;
    return [{ startBytes: 0, lengthBytes: sizeBytes, data: true, zero: false }];
  }
}
