import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { flushFile } from '@osforge/flush';
import type { QmpClient } from '@osforge/vm-events';
import { MachineSpecError, SaveStateError } from '../errors.ts';
import type { SavedState, SaveStateOptions } from '../hypervisor.ts';
import { listenOnce } from '../listen-once.ts';
import { socketPath } from '../runtime-dir.ts';
import { withDeadline } from '../wait.ts';
import { exists, type FreezeContext, isRunning, refuseBadPaths, switchDisks } from './freeze-disks.ts';
import { watchMigration } from './migration.ts';

export interface SaveStateContext extends FreezeContext {
  readonly socketFolder: string;
}

// QEMU's own limit of 128 MiB/s is for sharing a network; 0 would be refused.
const BANDWIDTH_BYTES_PER_S = 64 * 2 ** 30;

/**
 * The order makes state and disks belong to one instant: stop the guest (QEMU drains and flushes its disks), switch
 * every disk to its overlay in one transaction, write the state with the guest still stopped, and only then let it go
 * on. Nothing is written to an overlay before that, so the saved state fits the frozen files exactly.
 */
export async function saveState(context: SaveStateContext, options: SaveStateOptions): Promise<SavedState> {
  const { qmp, tops, now } = context;
  const { statePath, overlays, signal, timeoutMs = 600_000 } = options;
  await refuseBadPaths(tops, overlays);
  if (await exists(statePath)) throw new MachineSpecError('statePath', `${statePath} exists already`);
  const startedAt = now();
  const deadline = { signal, timeoutMs };
  const frozen = [...tops.values()];
  const partial = `${statePath}.partial`;
  let running = false;
  const cut = new AbortController();
  let written: Promise<unknown> = Promise.resolve();
  let overlaysInUse = false;
  let continued = false;
  try {
    running = await isRunning(qmp, deadline);
    if (running) await qmp.execute('stop', undefined, deadline);
    const pausedAt = now();
    if (frozen.length > 0) await switchDisks(context, overlays);
    overlaysInUse = frozen.length > 0;
    // The frozen files are flushed while the state is written: both must be on the medium before this resolves.
    const flushes = Promise.all(frozen.map((disk) => flushFile(disk.path, { signal })));
    flushes.catch(() => undefined);
    const writing = writeState(context, partial, cut.signal);
    written = writing;
    const digest = await withDeadline('saved state', writing, deadline);
    if (running) {
      await qmp.execute('cont');
      continued = true;
    }
    const pausedMs = now() - pausedAt;
    await withDeadline('flush of the frozen disks', flushes, deadline);
    await flushFile(partial, { signal });
    await rename(partial, statePath);
    await flushFolder(dirname(statePath));
    return {
      ...digest,
      durationMs: now() - startedAt,
      pausedMs,
      frozenDisks: Object.fromEntries(frozen.map((disk) => [disk.id, disk.path])),
    };
  } catch (cause) {
    cut.abort();
    // Only then is it sure that the file to remove is there.
    await written.catch(() => undefined);
    if (running && !continued) continued = await tryToContinue(qmp);
    await rm(partial, { force: true });
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new SaveStateError(statePath, what, { overlaysInUse, continued }, cause);
  }
}

async function writeState(
  { qmp, socketFolder }: SaveStateContext,
  path: string,
  signal: AbortSignal,
): Promise<{ sizeBytes: number; sha256: string }> {
  const listening = await listenOnce(socketPath(socketFolder, 'state'));
  const migration = watchMigration(qmp);
  let socket: Socket | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error('it was given up'));
    });
  });
  aborted.catch(() => undefined);
  try {
    signal.throwIfAborted();
    await qmp.execute('migrate-set-parameters', { 'max-bandwidth': BANDWIDTH_BYTES_PER_S });
    await qmp.execute('migrate', { uri: `unix:${listening.path}` });
    socket = await Promise.race([
      listening.connected,
      aborted,
      migration.end.then((end) => {
        throw new Error(`QEMU said "${end}" before it sent anything`);
      }),
    ]);
    const hash = createHash('sha256');
    let sizeBytes = 0;
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, callback) {
        hash.update(chunk);
        sizeBytes += chunk.length;
        callback(null, chunk);
      },
    });
    // Opened here and not by the stream, which could still make the file after it was given up.
    const file = await open(path, 'wx', 0o600);
    await pipeline(socket, measure, file.createWriteStream({ highWaterMark: 4 * 2 ** 20 }), { signal });
    const end = await Promise.race([migration.end, aborted]);
    if (end !== 'completed') throw new Error(`QEMU said "${end}"`);
    return { sizeBytes, sha256: hash.digest('hex') };
  } finally {
    listening.close();
    socket?.destroy();
    migration.stop();
  }
}

/** After a failed save the guest is only paused. False when QEMU does not let it go on. */
async function tryToContinue(qmp: QmpClient): Promise<boolean> {
  try {
    const migration = watchMigration(qmp);
    const info = await qmp.execute('query-migrate');
    const status = typeof info === 'object' && info !== null && 'status' in info ? info.status : undefined;
    if (status === 'setup' || status === 'active' || status === 'device' || status === 'cancelling') {
      await qmp.execute('migrate_cancel');
      await withDeadline('cancelled migration', migration.end, { timeoutMs: 30_000 });
    }
    migration.stop();
    await qmp.execute('cont');
    return true;
  } catch {
    return false;
  }
}

async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
