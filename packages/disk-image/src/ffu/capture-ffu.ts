import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { flushFile, type FlushReport } from '@osforge/flush';
import type { BlockReader, Extent } from '../block/reader.ts';
import { typedWriteError } from '../block/sparse-file.ts';
import { syncFolder } from '../block/sync-folder.ts';
import { FfuBusyError, FfuLimitError, FfuSourceError } from '../errors.ts';
import { readGpt } from '../gpt/read.ts';
import { type ImageFormat, partialPath } from '../qemu/convert.ts';
import { openImage } from '../qemu/open-image.ts';
import { type CaptureSettings, captureSettings } from './capture-settings.ts';
import { checkBlockBytes, sourceState, tableBlocks } from './capture-source.ts';
import { catalogBytes } from './encode-catalog.ts';
import { maxStoredBlocks } from './encode-headers.ts';
import { encodeManifest } from './encode-manifest.ts';
import { finishFile } from './finish-file.ts';
import { type CaptureState, type Journal, openJournal } from './journal.ts';
import { imageHeaderBytes, planFfu } from './layout.ts';
import { createPackPool } from './pack-pool.ts';
import { listedBlocks, scanBlocks } from './scan-blocks.ts';
import { writePayload } from './write-payload.ts';

export interface CaptureProgress {
  /** Where data is looked for; payload; headers and flush. */
  readonly step: 'scan' | 'write' | 'finish';
  /** Bytes of the disk in this step. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CaptureFfuOptions {
  /** A disk with a GPT, of 512- or 4096-byte sectors, that nobody writes to. */
  readonly source: string;
  /** Default `raw`. */
  readonly sourceFormat?: ImageFormat;
  /** Replaced if it exists, but only by a complete file. */
  readonly target: string;
  /** V1_COMPRESSED with plain XPRESS, which few readers but DISM know; default false: V1. */
  readonly compress?: boolean;
  /** Block and chunk, in bytes: a power of two from 4096 to 1 MiB of which the disk is a multiple; default 128 KiB. */
  readonly blockBytes?: number;
  /** At least one; printable ASCII without blanks; default `['osforge']`. */
  readonly platformIds?: readonly string[];
  /** Four numbers with dots; default `10.0.0.0`. */
  readonly osVersion?: string;
  /** One line; default the name of the package. */
  readonly description?: string;
  /** The device path of the store; default that of a fixed disk in mobile images. */
  readonly devicePath?: string;
  /** In the catalog; a resumed capture keeps that of its first attempt. Default: now. */
  readonly createdAt?: Date;
  /**
   * Keep what was written when the capture is cancelled, fails or is killed, and continue from there at the next call
   * with the same options and an untouched source; default true. False: begin anew, and leave nothing behind on failure.
   */
  readonly resume?: boolean;
  /** Bytes of the disk between two checkpoints, which a resumed capture writes again at most; default 64 MiB. */
  readonly checkpointBytes?: number;
  /** Threads that compress; 0: none. Default: as many as there are processors, at most 2: each more takes 11 to 15 MiB. */
  readonly workers?: number;
  /** Called after each run of blocks. */
  readonly onProgress?: (progress: CaptureProgress) => void;
  /** Default six hours. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface CaptureFfuReport {
  readonly path: string;
  readonly kind: 'v1' | 'v1-compressed';
  /** Length of the new file. */
  readonly sizeBytes: number;
  readonly diskSizeBytes: number;
  readonly sectorSize: 512 | 4096;
  readonly blockBytes: number;
  readonly storedBlocks: number;
  /** Blocks that were there already from an earlier attempt. */
  readonly resumedBlocks: number;
  /** SHA-256 of the hash table, hex: it covers the whole image. */
  readonly hashTableSha256: string;
  readonly durationMs: number;
  readonly flush: FlushReport;
}

const runBytes = 1024 * 1024;
/** With a third the whole process took 122 to 130 MiB, and must stay below 128. */
const maxWorkers = 2;
/** Targets of captures that run in this process; those of others are told by the journal. */
const active = new Set<string>();

/** What a capture leaves beside its target until it is complete: for a clean-up after a SIGKILL. */
export function captureWorkFiles(target: string): readonly string[] {
  const partial = partialPath(target);
  return [partial, `${partial}.journal`, `${partial}.blocks`, `${partial}.journal.new`];
}

/**
 * Captures a disk as FFU: its blocks that are not zero, in the order of the disk, the partition tables last. Memory does not
 * grow with the disk, but with the number of its extents. A capture that was broken off continues where it was; the file
 * is the same as if nothing had happened.
 * @throws FfuSourceError, FfuBusyError, GptFormatError, FfuLimitError, DiskFullError, NbdError, the signal's reason
 */
export async function captureFfu(options: CaptureFfuOptions): Promise<CaptureFfuReport> {
  const { source, sourceFormat = 'raw', timeoutMs = 6 * 3_600_000, resume = true } = options;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
  const settings = captureSettings(options);
  signal.throwIfAborted();
  const own = resolve(options.target);
  if (active.has(own)) throw new FfuBusyError(own, process.pid);
  active.add(own);
  let reader: BlockReader | undefined;
  try {
    reader = await openImage(source, sourceFormat, { signal });
    const before = await sourceState(source, sourceFormat, signal);
    const identity = JSON.stringify([1, before, settings]);
    const report = await captureOpened(
      { ...options, resume },
      settings,
      reader,
      identity,
      signal,
      async () => {
        if ((await sourceState(source, sourceFormat, signal)) !== before)
          throw new FfuSourceError(
            `${source} was changed while it was captured: capture it when nothing writes to it`,
          );
      },
    );
    return report;
  } catch (error) {
    // What another capture is writing stays, of course.
    if (!(error instanceof FfuBusyError) && (!resume || error instanceof FfuSourceError))
      await removeWorkFiles(options.target);
    throw typedWriteError(error, options.target);
  } finally {
    await reader?.close();
    active.delete(own);
  }
}

async function captureOpened(
  options: CaptureFfuOptions & { readonly resume: boolean },
  settings: CaptureSettings,
  reader: BlockReader,
  identity: string,
  signal: AbortSignal,
  checkSource: () => Promise<void>,
): Promise<CaptureFfuReport> {
  const started = performance.now();
  const { target } = options;
  const { blockBytes, kind } = settings;
  checkBlockBytes(reader.sizeBytes, blockBytes);
  const gpt = await readGpt(reader);
  const [partial = '', journalPath = '', listPath = ''] = captureWorkFiles(target);
  const resume = options.resume && (await exists(listPath));
  const journal = await openJournal(journalPath, identity, options.createdAt ?? new Date(), resume);
  const files: FileHandle[] = [];
  const openFile = async (path: string, keep: boolean): Promise<FileHandle> => {
    const file = await open(path, keep ? 'r+' : 'w+', 0o644);
    files.push(file);
    return file;
  };
  try {
    const last = tableBlocks(gpt, blockBytes);
    const list = await openFile(listPath, journal.state.windows > 0);
    const scanned = await scan(options, reader, list, journal, last, blockBytes, signal);
    const storedBlocks = scanned.windowBlocks + last.length;
    if (storedBlocks > maxStoredBlocks(kind) || reader.sizeBytes / blockBytes > 2 ** 32)
      throw new FfuLimitError(
        'blockBytes',
        `${storedBlocks} blocks of ${blockBytes} bytes are too many for an FFU`,
      );
    const manifest = encodeManifest({ gpt, ...settings }, imageHeaderBytes);
    const plan = {
      ...planFfu({ kind, blockBytes, storedBlocks, manifestBytes: manifest.length, catalogBytes }),
      kind,
    };

    const { blocks, payloadBytes: written } = journal.state;
    const file = await openFile(partial, blocks > 0 && (await exists(partial)));
    const whole = blocks > 0 && (await file.stat()).size >= plan.payloadOffset + written;
    const from = whole ? { blocks, payloadBytes: written } : { blocks: 0, payloadBytes: 0 };
    // What the journal says of a payload that is lost must not outlive the new one's first blocks.
    if (!whole) await journal.record({ ...scanned, ...from });
    const compressed = kind === 'v1-compressed';
    const workers = options.workers ?? Math.min(maxWorkers, availableParallelism());
    const runBlocks = compressed ? 1 : Math.max(1, runBytes / blockBytes);
    const pool = compressed ? createPackPool(workers) : undefined;
    let payloadBytes: number;
    try {
      ({ payloadBytes } = await writePayload({
        reader,
        file,
        plan,
        runs: listedBlocks(list, scanned.windows, last, from.blocks, runBlocks),
        from,
        pool,
        inFlight: compressed ? 2 * workers + 4 : 8,
        runBlocks,
        checkpointBlocks: Math.max(1, Math.floor((options.checkpointBytes ?? 64 * 1024 * 1024) / blockBytes)),
        onCheckpoint: ({ blocks, payloadBytes: bytes }) =>
          journal.record({ ...scanned, blocks, payloadBytes: bytes }),
        onProgress: (blocks) =>
          options.onProgress?.({
            step: 'write',
            doneBytes: blocks * blockBytes,
            totalBytes: storedBlocks * blockBytes,
          }),
        signal,
      }));
    } finally {
      await pool?.close();
    }
    await checkSource();
    signal.throwIfAborted();
    options.onProgress?.({ step: 'finish', doneBytes: 0, totalBytes: reader.sizeBytes });
    const { createdAt } = journal;
    const { platformIds } = settings;
    const hashTableSha256 = await finishFile({ file, plan, manifest, platformIds, payloadBytes, createdAt });
    const flush = await flushFile(partial, { signal });
    await rename(partial, target);
    await syncFolder(dirname(target));
    await removeWorkFiles(target);
    options.onProgress?.({ step: 'finish', doneBytes: reader.sizeBytes, totalBytes: reader.sizeBytes });
    return {
      path: target,
      kind,
      sizeBytes: plan.payloadOffset + payloadBytes,
      diskSizeBytes: reader.sizeBytes,
      sectorSize: gpt.sectorSize,
      blockBytes,
      storedBlocks,
      resumedBlocks: from.blocks,
      hashTableSha256,
      durationMs: performance.now() - started,
      flush,
    };
  } finally {
    await Promise.all([...files.map((file) => file.close()), journal.close()]);
  }
}

/** Lists the blocks with data, from where the journal is. */
async function scan(
  options: CaptureFfuOptions,
  reader: BlockReader,
  list: FileHandle,
  journal: Journal,
  last: readonly number[],
  blockBytes: number,
  signal: AbortSignal,
): Promise<CaptureState> {
  const extents: readonly Extent[] = (await reader.extents?.()) ?? [
    { startBytes: 0, lengthBytes: reader.sizeBytes, data: true, zero: false },
  ];
  let state = journal.state;
  const totalBytes = reader.sizeBytes;
  await scanBlocks({
    reader,
    extents,
    blockBytes,
    except: new Set(last),
    file: list,
    firstWindow: state.windows,
    signal,
    async onWindow(window, blocks, endBytes) {
      state = { ...state, windows: window + 1, windowBlocks: state.windowBlocks + blocks };
      await journal.record(state);
      options.onProgress?.({ step: 'scan', doneBytes: endBytes, totalBytes });
    },
  });
  return state;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function removeWorkFiles(target: string): Promise<void> {
  await Promise.all(captureWorkFiles(target).map((path) => rm(path, { force: true })));
}
