import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectQmp, qmpEventSource, type QmpClient, type VmEventSource } from '@osforge/vm-events';

/**
 * The whole firmware of the guest, from 0xff00 of the last 64 KiB: it sets PMBASE of the ICH9 (00:1f.0, register 0x40)
 * to 0x600 and ACPI_EN (0x44), then writes SLP_EN with S5 into PM1a_CNT. So the guest itself powers off, some
 * milliseconds after `cont`.
 */
const CODE =
  '66b840f80080baf80c66ef66b801060000bafc0c66ef66b844f80080baf80c66efb080bafc0ceeba0406b80020eff4ebfd';
/** At the reset vector: jump to 0xff00. */
const JUMP = 'e90dff';

export interface PowerOffMachine {
  readonly pid: number;
  readonly qmp: QmpClient;
  readonly source: VmEventSource;
  /** Calls back in Node's own `exit` event. */
  onExit(listener: () => void): void;
}

/** A folder for the firmware and the sockets, and machines that power off once `cont` is sent. */
export async function openPlace(): Promise<{
  create(): Promise<PowerOffMachine>;
  dispose(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-vm-events-bench-'));
  const firmware = join(folder, 'firmware');
  const rom = Buffer.alloc(0x1_00_00);
  rom.set(Buffer.from(CODE, 'hex'), 0xff00);
  rom.set(Buffer.from(JUMP, 'hex'), 0xfff0);
  await writeFile(firmware, rom);
  const path = join(folder, 'qmp');
  const server = createServer().listen(path);
  await once(server, 'listening');
  return {
    async create() {
      const connection = once(server, 'connection');
      const qemu = spawn(
        'qemu-system-x86_64',
        [
          ...['-machine', 'q35', '-accel', 'tcg', '-m', '16', '-display', 'none', '-nodefaults', '-S'],
          ...['-bios', firmware, '-chardev', `socket,id=qmp,path=${path},server=off`],
          ...['-mon', 'chardev=qmp,mode=control'],
        ],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      );
      const exited = once(qemu, 'exit');
      // The event's only argument is the connection.
      const [stream] = (await connection) as [Socket];
      const qmp = await connectQmp({ stream, timeoutMs: 60_000 });
      if (qemu.pid === undefined) throw new Error('QEMU did not start.');
      return {
        pid: qemu.pid,
        qmp,
        source: qmpEventSource({ qmp, exited }),
        onExit: (listener) => void qemu.once('exit', listener),
      };
    },
    async dispose() {
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
