import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { connectQmp, qmpEventSource, type ProcessEnd } from '@osforge/vm-events';
import { vmEventSourceContract, type ContractMachine } from '@osforge/vm-events/contract';

/** A real QEMU that connects to us. */
async function createRealMachine(): Promise<ContractMachine> {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-contract-'));
  const path = join(folder, 'qmp');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const connection = once(server, 'connection');
  const qemu = spawn('qemu-system-x86_64', [
    ...['-machine', 'q35', '-accel', 'tcg', '-display', 'none', '-nodefaults', '-S'],
    ...['-chardev', `socket,id=qmp,path=${path},server=off`, '-mon', 'chardev=qmp,mode=control'],
  ]);
  const exited = new Promise<ProcessEnd>((resolve) => {
    qemu.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
  });
  // The event's only argument is the connection.
  const [stream] = (await connection) as [Socket];
  server.close();
  const qmp = await connectQmp({ stream });
  const execute = async (command: string): Promise<void> => {
    await qmp.execute(command);
  };
  return {
    source: qmpEventSource({ qmp, exited }),
    run: () => execute('cont'),
    pause: () => execute('stop'),
    end: () => execute('quit'),
    async dispose() {
      qemu.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe('the contract of event sources, on QMP with a real QEMU', { timeout: 300_000 }, () => {
  for (const one of vmEventSourceContract) {
    test(one.name, async () => {
      await one.run(createRealMachine);
    });
  }
});
