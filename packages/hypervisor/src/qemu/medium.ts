import { QmpCommandError, type QmpClient } from '@osforge/vm-events';
import { MachineGoneError } from '../errors.ts';
import { withDeadline, type WaitOptions } from '../wait.ts';

/** Puts `path` into the drive; the medium before it, if any, is taken out. */
export async function insertMedium(
  qmp: QmpClient,
  id: string,
  path: string,
  options: WaitOptions,
): Promise<void> {
  const args = { id, filename: path, format: 'raw', 'read-only-mode': 'read-only' };
  await whenUnlocked(qmp, id, options, (left) => qmp.execute('blockdev-change-medium', args, left));
}

/** Takes the medium out. An empty drive is left as it is. */
export async function ejectMedium(qmp: QmpClient, id: string, options: WaitOptions): Promise<void> {
  await whenUnlocked(qmp, id, options, (left) => qmp.execute('eject', { id }, left));
}

/**
 * A guest that uses the medium locks the tray; QEMU then passes the wish on and says that it is locked. The event of
 * the opening tray tells when the guest has let go.
 */
async function whenUnlocked(
  qmp: QmpClient,
  id: string,
  options: WaitOptions,
  change: (options: WaitOptions) => Promise<unknown>,
): Promise<void> {
  // One deadline for all three steps.
  const startedAt = performance.now();
  const left = (): WaitOptions => {
    const { timeoutMs, signal } = options;
    if (timeoutMs === undefined) return { signal };
    return { signal, timeoutMs: Math.max(0, timeoutMs - (performance.now() - startedAt)) };
  };
  let opened: () => void = () => {};
  let gone: (error: Error) => void = () => {};
  const open = new Promise<void>((resolve, reject) => {
    opened = resolve;
    gone = reject;
  });
  open.catch(() => undefined);
  const subscription = qmp.events$.subscribe({
    next: ({ event, data }) => {
      if (event === 'DEVICE_TRAY_MOVED' && data['id'] === id && data['tray-open'] === true) opened();
    },
    complete: () => {
      gone(new MachineGoneError(`open tray of "${id}"`));
    },
  });
  try {
    await change(left()).catch(async (error: unknown) => {
      if (!(error instanceof QmpCommandError) || !error.desc.includes('locked')) throw error;
      await withDeadline(`open tray of "${id}" (the guest still uses its medium)`, open, left());
      await change(left());
    });
  } finally {
    subscription.unsubscribe();
  }
}
