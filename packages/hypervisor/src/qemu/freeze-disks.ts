import { stat } from 'node:fs/promises';
import { flushFile } from '@osforge/flush';
import type { QmpClient } from '@osforge/vm-events';
import { FreezeDisksError, MachineSpecError } from '../errors.ts';
import type { FreezeDisksOptions, FrozenDisks } from '../hypervisor.ts';
import { withDeadline, type WaitOptions } from '../wait.ts';

/** A writable disk as QEMU has it now. */
export interface TopNode {
  readonly id: string;
  readonly nodeName: string;
  readonly path: string;
  readonly generation: number;
}

export interface FreezeContext {
  readonly qmp: QmpClient;
  /** The writable disks; entries are replaced when the disks go on in their overlays. */
  readonly tops: Map<string, TopNode>;
  /** Monotonic clock in ms. */
  readonly now: () => number;
}

/**
 * Lets every disk go on in a new overlay. The guest stands still for the switch, because QEMU drains and flushes its
 * disks when it stops; what the guest itself has not written is not in the frozen files.
 */
export async function freezeDisks(context: FreezeContext, options: FreezeDisksOptions): Promise<FrozenDisks> {
  const { qmp, tops, now } = context;
  const { overlays, signal, timeoutMs = 600_000 } = options;
  await refuseBadPaths(tops, overlays);
  const deadline = { signal, timeoutMs };
  const frozen = [...tops.values()];
  const startedAt = now();
  let running = false;
  let overlaysInUse = false;
  let continued = false;
  try {
    running = await isRunning(qmp, deadline);
    if (running) await qmp.execute('stop', undefined, deadline);
    if (frozen.length > 0) await switchDisks(context, overlays);
    overlaysInUse = frozen.length > 0;
    if (running) {
      await qmp.execute('cont', undefined, deadline);
      continued = true;
    }
    const flushes = Promise.all(frozen.map((disk) => flushFile(disk.path, { signal })));
    await withDeadline('flush of the frozen disks', flushes, deadline);
    return {
      durationMs: now() - startedAt,
      frozenDisks: Object.fromEntries(frozen.map((disk) => [disk.id, disk.path])),
    };
  } catch (cause) {
    if (running && !continued) {
      continued = await qmp.execute('cont').then(
        () => true,
        () => false,
      );
    }
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new FreezeDisksError(what, { overlaysInUse, continued }, cause);
  }
}

/** Every writable disk needs an overlay that does not exist yet. Throws before the guest is touched. */
export async function refuseBadPaths(
  tops: ReadonlyMap<string, TopNode>,
  overlays: Readonly<Record<string, string>>,
): Promise<void> {
  for (const id of tops.keys()) {
    if (overlays[id] === undefined) {
      throw new MachineSpecError(
        `overlays.${id}`,
        'every writable disk needs an overlay, or it could not be frozen',
      );
    }
  }
  for (const [id, path] of Object.entries(overlays)) {
    if (!tops.has(id)) throw new MachineSpecError(`overlays.${id}`, 'there is no such disk');
    if (await exists(path)) throw new MachineSpecError(`overlays.${id}`, `${path} exists already`);
  }
}

export async function isRunning(qmp: QmpClient, options: WaitOptions): Promise<boolean> {
  const status = await qmp.execute('query-status', undefined, options);
  return typeof status === 'object' && status !== null && 'running' in status && status.running === true;
}

/** All disks or none: QEMU's transaction undoes the first when the second fails. */
export async function switchDisks(
  { qmp, tops }: FreezeContext,
  overlays: Readonly<Record<string, string>>,
): Promise<void> {
  const next = [...tops.values()].map((top) => {
    const generation = top.generation + 1;
    return {
      id: top.id,
      generation,
      nodeName: `${top.id}-s${generation}`,
      path: overlays[top.id] ?? '',
      below: top.nodeName,
    };
  });
  await qmp.execute('transaction', {
    actions: next.map((top) => ({
      type: 'blockdev-snapshot-sync',
      data: {
        'node-name': top.below,
        'snapshot-file': top.path,
        'snapshot-node-name': top.nodeName,
        format: 'qcow2',
        mode: 'absolute-paths',
      },
    })),
  });
  for (const { id, nodeName, path, generation } of next) tops.set(id, { id, nodeName, path, generation });
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
