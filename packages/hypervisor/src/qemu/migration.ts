import type { QmpClient } from '@osforge/vm-events';

/** Needed before any migration, so that its end is an event and nothing has to be polled. */
export async function enableMigrationEvents(qmp: QmpClient): Promise<void> {
  await qmp.execute('migrate-set-capabilities', { capabilities: [{ capability: 'events', state: true }] });
}

/** How a migration ended. */
export type MigrationEnd = 'completed' | 'failed' | 'cancelled' | 'gone';

/**
 * Watches from now on for the end of a migration; call it before the migration is started. `gone` when QEMU ends
 * first. Source: QEMU qapi/migration.json, `MIGRATION`.
 */
export function watchMigration(qmp: QmpClient): { end: Promise<MigrationEnd>; stop: () => void } {
  let stop: () => void = () => {};
  const end = new Promise<MigrationEnd>((resolve) => {
    const subscription = qmp.events$.subscribe({
      next: ({ event, data }) => {
        const status = data['status'];
        if (event !== 'MIGRATION') return;
        if (status === 'completed' || status === 'failed' || status === 'cancelled') resolve(status);
      },
      complete: () => {
        resolve('gone');
      },
    });
    stop = () => {
      subscription.unsubscribe();
    };
  });
  return { end, stop };
}
