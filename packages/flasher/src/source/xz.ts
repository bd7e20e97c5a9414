import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';

/**
 * The decompressed bytes of an xz file, by the program `xz` (Node has no decoder for it). It is spawned here and not by
 * @osforge/process, which hands over lines of text and no bytes; it cannot outlive us, for its output is a pipe of ours
 * and it ends when that breaks.
 */
export function decompressXz(path: string): Readable {
  return Readable.from(xzOutput(path), { objectMode: false });
}

async function* xzOutput(path: string): AsyncGenerator<Buffer> {
  // More than any preset needs; the header of a hostile file may ask for 4 GiB.
  const child = spawn('xz', ['--decompress', '--stdout', '--memlimit=128MiB', '--', path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
  });
  let message = '';
  child.stderr.on('data', (chunk: Buffer) => {
    message = (message + chunk.toString()).slice(-2000);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  ended.catch(() => undefined); // awaited below, unless the reader leaves early
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer; // a pipe without an encoding gives Buffers
    // The pipe ends also when the file is damaged: only the exit code tells the whole from the cut.
    const code = await ended;
    if (code !== 0) throw new Error(`xz ended with ${String(code)}: ${message.trim()}`);
  } finally {
    child.kill('SIGKILL');
  }
}
