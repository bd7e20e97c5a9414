import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { processIdentity, processLiveness, type ProcessIdentity } from '@osforge/process';
import { FfuBusyError } from '../errors.ts';

/** How far a capture had come at a moment when everything up to there was on the disk. */
export interface CaptureState {
  /** Complete windows of the block list. */
  readonly windows: number;
  /** Blocks in these windows. */
  readonly windowBlocks: number;
  /** Blocks of the payload. */
  readonly blocks: number;
  /** Bytes of the payload. */
  readonly payloadBytes: number;
}

export interface Journal {
  /** The date of the first attempt: it is part of the file. */
  readonly createdAt: Date;
  readonly state: CaptureState;
  /** Call it only when what it says is on the disk. */
  record(state: CaptureState): Promise<void>;
  close(): Promise<void>;
}

const nothing: CaptureState = { windows: 0, windowBlocks: 0, blocks: 0, payloadBytes: 0 };

interface Head {
  readonly identity: string;
  readonly createdAt: string;
  readonly owner: ProcessIdentity | undefined;
}

/**
 * Opens the journal of a capture, or begins a new one where there is none, it belongs to other options or another state
 * of the source (`identity`), or `resume` is false. Lines with a CRC; a torn last one does not count.
 * @throws FfuBusyError if another living process works on it
 */
export async function openJournal(
  path: string,
  identity: string,
  createdAt: Date,
  resume: boolean,
): Promise<Journal> {
  const found = await readJournal(path);
  const owner = found?.head.owner;
  if (owner !== undefined && owner.pid !== process.pid && processLiveness(owner) === 'alive')
    throw new FfuBusyError(path, owner.pid);
  const keep = resume && found !== undefined && found.head.identity === identity ? found : undefined;
  const head: Head = {
    identity,
    createdAt: keep?.head.createdAt ?? createdAt.toISOString(),
    owner: processIdentity(),
  };
  const state = keep?.state ?? nothing;
  // A new one each time, in one piece beside the old one.
  const fresh = `${path}.new`;
  const file = await open(fresh, 'w', 0o644);
  try {
    await file.write(line({ head }) + line({ state }));
    await file.datasync();
    await rename(fresh, path);
  } catch (error) {
    await file.close();
    await rm(fresh, { force: true });
    throw error;
  }
  return { createdAt: new Date(head.createdAt), state, record: recorder(file), close: () => file.close() };
}

function recorder(file: FileHandle): Journal['record'] {
  return async (state) => {
    await file.write(line({ state }));
  };
}

function line(value: unknown): string {
  const text = JSON.stringify(value);
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`;
}

async function readJournal(path: string): Promise<{ head: Head; state: CaptureState } | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  let head: Head | undefined;
  let state = nothing;
  for (const row of text.split('\n')) {
    const json = row.slice(9);
    if (row.length < 10 || crc32(json).toString(16).padStart(8, '0') !== row.slice(0, 8)) break;
    // Written by `line` above: the CRC holds.
    const value = JSON.parse(json) as { head?: Head; state?: CaptureState };
    head ??= value.head;
    state = value.state ?? state;
  }
  return head === undefined ? undefined : { head, state };
}
