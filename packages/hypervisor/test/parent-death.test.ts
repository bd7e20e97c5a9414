import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openBench, type Bench } from './support/guest-image.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.dispose();
});

test('a machine dies with a parent that is killed by SIGKILL', { timeout: 300_000 }, async () => {
  // A connection that only QEMU holds: its end is the end of QEMU, as an event.
  const path = join(bench.folder, 'watch');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const connected = once(server, 'connection');
  const spec = await bench.spec('h', { extra: ['-chardev', `socket,id=watch,path=${path},server=off`] });
  const program = join(import.meta.dirname, 'support', 'own-a-machine.ts');
  const parent = spawn(process.execPath, ['--conditions=@osforge/source', program, JSON.stringify(spec)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const first: unknown[] = await once(createInterface(parent.stdout), 'line');
  const pid = Number(first[0]);
  expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).toContain('qemu-system');
  // The event's only argument is the connection.
  const [watch] = (await connected) as [Socket];
  const ended = once(watch.on('error', () => undefined).resume(), 'close');

  parent.kill('SIGKILL');
  await ended;
  server.close();
  // A process that has begun to end has no memory and so no command line; a later one is not there.
  expect(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).toBe('');
});
