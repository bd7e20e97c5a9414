import { createReadStream } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { QmpClient } from '@osforge/vm-events';
import { RestoreStateError } from '../errors.ts';
import { socketPath } from '../runtime-dir.ts';
import { watchMigration } from './migration.ts';

/**
 * Feeds a saved state to a QEMU that waits for one (`-incoming defer`). The guest is paused after it. The file is
 * streamed: memory use does not depend on its size.
 * @throws RestoreStateError
 */
export async function loadState(qmp: QmpClient, socketFolder: string, statePath: string): Promise<void> {
  const path = socketPath(socketFolder, 'state');
  const migration = watchMigration(qmp);
  let socket: Socket | undefined;
  try {
    // QEMU listens when this is answered, so that nothing has to be tried again.
    await qmp.execute('migrate-incoming', { uri: `unix:${path}` });
    socket = connect(path);
    // QEMU resets the connection when it refuses a state; that may come after the last byte was sent.
    socket.on('error', () => undefined);
    const sent = pipeline(createReadStream(statePath, { highWaterMark: 2 ** 20 }), socket).then(
      () => undefined,
      (error: unknown) => error,
    );
    const [end, error] = await Promise.all([migration.end, sent]);
    // QEMU may close before the last bytes are taken: its own word counts.
    if (end !== 'completed') throw new RestoreStateError(statePath, `QEMU said "${end}"`, error);
  } finally {
    socket?.destroy();
    migration.stop();
  }
}
