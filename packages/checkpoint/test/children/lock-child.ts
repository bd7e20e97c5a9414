// Takes and frees the lock of one build on command: `open <directory> <buildId>`, `close`, or
// `spawn` for a process that outlives this one.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { openCheckpoint } from '@osforge/checkpoint';
import type { Checkpoint } from '@osforge/checkpoint';

let held: Checkpoint | undefined;
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const [command, directory = '', buildId = ''] = line.split(' ');
  try {
    if (command === 'spawn') {
      const survivor = spawn('sleep', ['600'], { stdio: 'ignore', detached: true });
      process.stdout.write(`${survivor.pid ?? 'none'}\n`);
      continue;
    }
    if (command === 'open') held = await openCheckpoint({ directory, buildId });
    else await held?.close();
    process.stdout.write(command === 'open' ? 'held\n' : 'closed\n');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const owner = error instanceof Error && 'ownerPid' in error ? String(error.ownerPid) : '';
    process.stdout.write(`${code} ${owner}\n`);
  }
}
