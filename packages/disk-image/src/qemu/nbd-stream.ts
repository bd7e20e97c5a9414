import type { Socket } from 'node:net';
import { NbdError } from '../errors.ts';

/** Reads exactly so many bytes of a socket at a time. One call at a time. */
export interface ByteStream {
  take(length: number): Promise<Buffer>;
}

/** After the end of the socket every take rejects with NbdError. */
export function byteStream(socket: Socket): ByteStream {
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  const changed = (): void => {
    wake?.();
    wake = undefined;
  };
  socket.on('readable', changed);
  const ended = (reason: string, cause?: unknown): void => {
    failure ??= new NbdError(
      `the connection to the NBD server ${reason}`,
      cause === undefined ? undefined : { cause },
    );
    changed();
  };
  socket.on('error', (error) => {
    ended('broke', error);
  });
  socket.on('end', () => {
    ended('ended');
  });
  socket.on('close', () => {
    ended('was closed');
  });
  return {
    async take(length) {
      if (length === 0) return Buffer.alloc(0);
      for (;;) {
        // Null until that many bytes are there; no encoding is set, so it is a Buffer.
        const bytes = socket.read(length) as Buffer | null;
        if (bytes?.length === length) return bytes;
        if (bytes !== null)
          throw new NbdError(
            `the NBD server closed the connection inside a message`,
            failure === undefined ? undefined : { cause: failure },
          );
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
