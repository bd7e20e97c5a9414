import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { run } from '@osforge/process';

/**
 * Two named pipes between a serial port and us. Not a socket: QEMU writes a serial port byte by byte, a UNIX socket is
 * full after less than 300 such writes, and QEMU drops what it cannot write for long. A pipe holds 64 KiB.
 */
export interface ConsolePipes {
  /** What QEMU's `pipe` backend is given: it adds `.in` and `.out` itself. */
  readonly path: string;
  /** The two ends, once QEMU has opened its own. The reader closes when QEMU ends, and then the writer does. */
  connect(): { reader: Readable; writer: Writable };
  /** For a QEMU that never came. Idempotent. */
  close(): void;
}

const MAKE_TIMEOUT_MS = 30_000;

export async function makeConsolePipes(folder: string): Promise<ConsolePipes> {
  const path = join(folder, 'console');
  await run('mkfifo', ['-m', '600', '--', `${path}.in`, `${path}.out`], { timeoutMs: MAKE_TIMEOUT_MS });
  // Without O_NONBLOCK it would wait for QEMU; it is opened first, so that QEMU's first byte has a reader.
  let output: number | undefined = openSync(`${path}.out`, constants.O_RDONLY | constants.O_NONBLOCK);
  return {
    path,
    connect() {
      if (output === undefined) throw new Error('the console is connected already');
      const input = openSync(`${path}.in`, constants.O_WRONLY | constants.O_NONBLOCK);
      const reader = streamOf({ fd: output, readable: true, writable: false });
      const writer = streamOf({ fd: input, readable: false, writable: true });
      output = undefined;
      reader.once('close', () => {
        writer.destroy();
      });
      return { reader, writer };
    },
    close() {
      if (output !== undefined) closeSync(output);
      output = undefined;
    },
  };
}

/** A pipe's end as a stream that owns it; only net.Socket waits for pipes without a thread. */
function streamOf(options: { fd: number; readable: boolean; writable: boolean }): Socket {
  const socket = new Socket(options);
  // A peer that is killed breaks the pipe; whoever reads sees the end by 'close'.
  socket.on('error', () => undefined);
  return socket;
}
